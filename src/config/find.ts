import path from 'node:path';
import {
  errorDiagnostic,
  hasErrors,
  warningDiagnostic,
  type Diagnostic,
  type Span,
} from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { dotenvVariables, parseDotenv } from './dotenv.ts';
import type { FileAccess } from './file-access.ts';
import { checkGivenName } from './project-name.ts';
import { absolutePath, readSource, shownPath, STDIN_FILE, type ReadContext } from './read.ts';
import { environmentVariables, layerVariables, type Variables } from './variables.ts';

/** What a command line and its environment say about the project that they mean. */
export interface FindRequest {
  /** Absolute. */
  readonly workingDirectory: string;
  /** `-f`, in order; `-` is standard input. */
  readonly files: readonly string[];
  readonly projectDirectory?: string | undefined;
  /** `-p`. */
  readonly projectName?: string | undefined;
  /** `--env-file`, in order; replaces `.env`. */
  readonly envFiles: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A mistake in a `.env` that does not name the project does not end the search. */
  readonly isLenient?: boolean;
}

export interface FoundProject {
  /** Real, absolute path that relative paths start from. */
  readonly directory: string;
  /** Configuration files in merge order, absolute; `<stdin>` for standard input. */
  readonly files: readonly string[];
  /** Only where `-p` or KRUN_PROJECT_NAME gave a name. */
  readonly overrideName?: string;
  /** Environment and env files together, for interpolation. */
  readonly variables: Variables;
  readonly warnings: readonly Diagnostic[];
  /** What is wrong in `.env`, where that did not end the search. */
  readonly mistakes: readonly Diagnostic[];
  /** Env files that were read, by absolute path. */
  readonly texts: ReadonlyMap<string, string>;
}

const FILE_NAMES = ['krun.yaml', 'krun.yml'] as const;
const OVERRIDE_NAMES = ['krun.override.yaml', 'krun.override.yml'] as const;

/** Finds the files of a project without reading the configuration itself; `texts` receives what is read. */
export async function findProject(
  request: FindRequest,
  files: FileAccess,
  texts: Map<string, string> = new Map<string, string>(),
): Promise<Result<FoundProject, Diagnostic[]>> {
  const context: ReadContext = { files, texts, relativeTo: request.workingDirectory };
  const outer = environmentVariables(request.environment);
  const given = await readEnvFiles(
    context,
    request.envFiles.map((file) => absolutePath(request.workingDirectory, file)),
    outer,
  );
  if (hasErrors(given.diagnostics)) return err([...given.diagnostics]);

  const missing = await missingDirectory(request, files);
  if (missing) return err([missing]);
  const located = await locateFiles(request, layerVariables(given.variables, outer), files);
  if (!located.ok) return located;
  const directory = await files.realPath(projectDirectory(request, located.value.files));
  const own =
    request.envFiles.length > 0
      ? given
      : await readEnvFiles(context, await dotenvOf(directory, files), outer);
  const isNeeded = !request.isLenient || request.envFiles.length > 0 || namesProject(texts, directory);
  const { warnings } = located.value;
  if (isNeeded && hasErrors(own.diagnostics)) return err([...warnings, ...own.diagnostics]);

  const variables = layerVariables(own.variables, outer);
  const overrideName = request.projectName ?? (variables.get('KRUN_PROJECT_NAME')?.value || undefined);
  if (overrideName !== undefined) {
    const source = request.projectName === undefined ? 'KRUN_PROJECT_NAME' : '-p';
    const refused = checkGivenName(overrideName, source);
    if (refused) return err([refused]);
  }
  return ok({
    directory,
    files: located.value.files,
    ...(overrideName === undefined ? {} : { overrideName }),
    variables,
    warnings,
    mistakes: own.diagnostics,
    texts,
  });
}

/** Variables of several env files; later files win, and `outer` is what their values may name. */
export async function readEnvFiles(
  context: ReadContext,
  files: readonly string[],
  outer: Variables,
  reference?: Span,
): Promise<{ variables: Variables; diagnostics: readonly Diagnostic[] }> {
  const diagnostics: Diagnostic[] = [];
  let variables: Variables = new Map();
  for (const file of files) {
    const source = await readSource(context, file, reference);
    if (!source.ok) {
      diagnostics.push(source.error);
      continue;
    }
    const parsed = parseDotenv(source.value, layerVariables(variables, outer));
    diagnostics.push(...parsed.diagnostics);
    variables = layerVariables(variables, dotenvVariables(source.value, parsed.entries));
  }
  return { variables, diagnostics };
}

/** The `.env` file of a directory, if it has one. */
export async function dotenvOf(directory: string, files: FileAccess): Promise<string[]> {
  const file = path.join(directory, '.env');
  return (await files.kindOf(file)) === 'file' ? [file] : [];
}

function namesProject(texts: ReadonlyMap<string, string>, directory: string): boolean {
  return texts.get(path.join(directory, '.env'))?.includes('KRUN_PROJECT_NAME') ?? false;
}

async function missingDirectory(
  { projectDirectory, workingDirectory }: FindRequest,
  files: FileAccess,
): Promise<Diagnostic | undefined> {
  if (projectDirectory === undefined) return undefined;
  const kind = await files.kindOf(path.resolve(workingDirectory, projectDirectory));
  if (kind !== 'missing' && kind !== 'file') return undefined;
  const what = kind === 'file' ? 'is a file, not a directory' : 'does not exist';
  return errorDiagnostic('file-not-found', `\`${projectDirectory}\` (--project-directory) ${what}`);
}

interface Located {
  readonly files: readonly string[];
  readonly warnings: readonly Diagnostic[];
}

async function locateFiles(
  request: FindRequest,
  variables: Variables,
  files: FileAccess,
): Promise<Result<Located, Diagnostic[]>> {
  const { workingDirectory } = request;
  if (request.files.length > 0) {
    return checkGiven(
      request.files.map((file) => (file === '-' ? STDIN_FILE : path.resolve(workingDirectory, file))),
      files,
      { source: '-f', workingDirectory },
    );
  }
  const listed = variables.get('KRUN_FILE')?.value;
  if (listed) {
    const names = listed.split(path.delimiter).filter((name) => name !== '');
    return checkGiven(
      names.map((name) => path.resolve(workingDirectory, name)),
      files,
      { source: 'KRUN_FILE', workingDirectory },
    );
  }
  return searchUpward(request.projectDirectory ?? workingDirectory, workingDirectory, files);
}

async function checkGiven(
  paths: readonly string[],
  files: FileAccess,
  { source, workingDirectory }: { readonly source: string; readonly workingDirectory: string },
): Promise<Result<Located, Diagnostic[]>> {
  const errors: Diagnostic[] = [];
  for (const file of new Set(paths)) {
    const kind = file === STDIN_FILE ? 'file' : await files.kindOf(file);
    const shown = shownPath(file, workingDirectory);
    if (kind === 'missing') {
      errors.push(errorDiagnostic('file-not-found', `there is no file \`${shown}\` (${source})`));
    } else if (kind === 'directory') {
      const hint = { hint: 'name the file inside it, or use --project-directory' };
      errors.push(
        errorDiagnostic('file-unreadable', `\`${shown}\` (${source}) is a directory, not a file`, hint),
      );
    }
  }
  return errors.length > 0 ? err(errors) : ok({ files: [...new Set(paths)], warnings: [] });
}

async function searchUpward(
  start: string,
  workingDirectory: string,
  files: FileAccess,
): Promise<Result<Located, Diagnostic[]>> {
  const first = path.resolve(workingDirectory, start);
  for (let directory = first; ; directory = path.dirname(directory)) {
    const main = await firstPresent(directory, FILE_NAMES, files);
    if (main) {
      const override = await firstPresent(directory, OVERRIDE_NAMES, files);
      const found = override ? [main, override] : [main];
      return ok({
        files: found.map(({ file }) => file),
        warnings: found.flatMap(({ warnings }) => warnings),
      });
    }
    if (directory === path.dirname(directory)) break;
  }
  const shown = shownPath(first, workingDirectory);
  const message = `no krun.yaml in ${shown === '.' ? 'this directory' : `\`${shown}\``} or in one above it`;
  return err([
    errorDiagnostic('file-not-found', message, { hint: '`krun init` writes one; -f FILE names one' }),
  ]);
}

async function firstPresent(
  directory: string,
  names: readonly string[],
  files: FileAccess,
): Promise<{ file: string; warnings: Diagnostic[] } | undefined> {
  const present: string[] = [];
  for (const name of names) {
    if ((await files.kindOf(path.join(directory, name))) !== 'missing') present.push(name);
  }
  const [used, ...unused] = present;
  if (used === undefined) return undefined;
  const warnings = unused.map((name) =>
    warningDiagnostic('conflict', `${name} is not read, because ${used} is beside it`, {
      hint: 'keep one of them',
    }),
  );
  return { file: path.join(directory, used), warnings };
}

function projectDirectory(request: FindRequest, files: readonly string[]): string {
  const { workingDirectory } = request;
  if (request.projectDirectory !== undefined) return path.resolve(workingDirectory, request.projectDirectory);
  const first = files.find((file) => file !== STDIN_FILE);
  return first === undefined ? workingDirectory : path.dirname(first);
}
