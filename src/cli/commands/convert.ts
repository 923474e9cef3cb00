import { readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Diagnostic } from '../../base/diagnostic.ts';
import { err, type Result } from '../../base/result.ts';
import type { FileKind } from '../../config/file-access.ts';
import { convertCompose } from '../../convert/compose.ts';
import { convertKrunkit } from '../../convert/krunkit.ts';
import { noteLines, type Conversion } from '../../convert/note.ts';
import { convertVfkit } from '../../convert/vfkit.ts';
import { errnoOf, ignoreErrno } from '../../host/errno.ts';
import { type Context, print, tell, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { tellDiagnostics } from '../project.ts';

export interface ConvertArgs {
  readonly from: 'krunkit' | 'vfkit' | 'compose';
  /** Arguments of krunkit or vfkit. */
  readonly words?: readonly string[];
  /** A compose file. */
  readonly file?: string;
  readonly output?: string;
  readonly force?: boolean;
}

/** In the order in which compose looks for them. */
const COMPOSE_FILES = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];

/** `krun convert`: a krun.yaml on standard output or in a file, and what it does not say on standard error. */
export async function run(context: Context, args: ConvertArgs): Promise<ExitCode> {
  const made = args.from === 'compose' ? await fromCompose(context, args) : fromCommandLine(args);
  if (!made.ok) {
    await tellDiagnostics(context, made.error.diagnostics, made.error.texts);
    return EXIT.usage;
  }
  const { yaml, notes } = made.value;
  if (args.output === undefined) print(context, yaml);
  else if (!(await write(context, path.resolve(context.cwd, args.output), yaml, args.force ?? false))) {
    return EXIT.failure;
  }
  if (notes.length > 0) {
    tell(context, 'krun: what does not carry over, or means something else:');
    for (const line of noteLines(notes)) tell(context, line);
  }
  return EXIT.ok;
}

interface Refusal {
  readonly diagnostics: readonly Diagnostic[];
  readonly texts?: ReadonlyMap<string, string>;
}

function fromCommandLine({ from, words = [] }: ConvertArgs): Result<Conversion, Refusal> {
  const made = from === 'krunkit' ? convertKrunkit(words, process.arch) : convertVfkit(words, process.arch);
  return made.ok ? made : err({ diagnostics: made.error });
}

async function fromCompose(context: Context, args: ConvertArgs): Promise<Result<Conversion, Refusal>> {
  const named = args.file === undefined ? findCompose(context.cwd) : path.resolve(context.cwd, args.file);
  if (named === undefined) {
    const message = `there is no ${COMPOSE_FILES.join(', ')} in ${context.cwd}`;
    const hint = 'name the file: krun convert compose FILE';
    return err({ diagnostics: [{ code: 'file-not-found', severity: 'error', message, hint }] });
  }
  let text: string;
  try {
    text = readFileSync(named, 'utf8');
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    const message = `cannot read ${named}: ${code}`;
    return err({ diagnostics: [{ code: 'file-unreadable', severity: 'error', message }] });
  }
  const directory = path.dirname(named);
  const made = convertCompose({ path: named, text }, (file) => kindOf(file, directory, context.env['HOME']));
  if (!made.ok) return err({ diagnostics: made.error, texts: new Map([[named, text]]) });
  tellSurroundings(context, named, args.output);
  return made;
}

function findCompose(directory: string): string | undefined {
  const found = COMPOSE_FILES.find((name) => kindOf(name, directory, undefined) === 'file');
  return found === undefined ? undefined : path.join(directory, found);
}

/** What is beside the file and belongs to it. */
function tellSurroundings(context: Context, file: string, output: string | undefined): void {
  const directory = path.dirname(file);
  const target = output === undefined ? context.cwd : path.dirname(path.resolve(context.cwd, output));
  if (target !== directory) {
    tell(context, `krun: relative paths start in ${directory}: put the krun.yaml there`);
  }
  const { name, ext } = path.parse(file);
  for (const other of [`${name}.override.yaml`, `${name}.override.yml`]) {
    if (kindOf(other, directory, undefined) !== 'file' || `${name}${ext}` === other) continue;
    tell(context, `krun: ${other} is not in it: convert it too, with -o krun.override.yaml`);
  }
}

function kindOf(file: string, directory: string, home: string | undefined): FileKind {
  const isAtHome = /^~(\/|$)/.test(file) && home !== undefined;
  const target = isAtHome ? path.join(home, file.slice(1)) : path.resolve(directory, file);
  try {
    const found = statSync(target);
    if (found.isDirectory()) return 'directory';
    return found.isFile() ? 'file' : 'other';
  } catch (error) {
    ignoreErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP');
    return 'missing';
  }
}

/** Whether the file is written; why not has been told. It may hold passwords that the original holds. */
async function write(context: Context, file: string, text: string, isForced: boolean): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: isForced ? 'w' : 'wx', mode: 0o600 });
    tell(context, `krun: wrote ${file}`);
    return true;
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    if (code === 'EEXIST') tellError(context, `${file} exists`, '-f overwrites it');
    else tellError(context, `cannot write ${file}: ${code}`);
    return false;
  }
}
