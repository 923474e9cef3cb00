import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { isRunning } from '../host/identity.ts';
import {
  libraryFileName,
  pinnedPackages,
  type LibraryName,
  type PinnedPackage,
  type Platform,
} from '../libkrun/packages.ts';

const run = promisify(execFile);

/** A whole download over a slow line, and not for ever. */
const DOWNLOAD_TIMEOUT_MS = 15 * 60_000;

export interface InstallOptions {
  /** `libraryCacheDirectory()`; the libraries go to `lib` below it. */
  readonly directory: string;
  readonly platform: Platform;
  /** What to install; both by default. */
  readonly libraries?: readonly LibraryName[];
  /** The npm command; `npm` of the PATH by default. */
  readonly npm?: string;
  /** One line of text for each step. */
  readonly onProgress?: (line: string) => void;
}

export interface InstalledLibrary {
  readonly library: LibraryName;
  readonly version: string;
  readonly path: string;
  /** False where it was there already. */
  readonly isNew: boolean;
}

/**
 * Fetches libkrun and libkrunfw from their pinned npm packages into krun's data directory. `npm pack` does what `npm
 * install` may refuse: one package asks for a newer Node than krun does, although its libraries need no Node at all.
 */
export async function installRuntime(
  options: InstallOptions,
): Promise<Result<readonly InstalledLibrary[], readonly Diagnostic[]>> {
  const wanted = options.libraries ?? ['libkrun', 'libkrunfw'];
  const available = pinnedPackages(options.platform);
  const missing = wanted.filter((library) => !available.some((entry) => entry.library === library));
  if (missing.length > 0) return err(missing.map((library) => noPackage(library, options.platform)));

  const directory = path.join(options.directory, 'lib');
  const work = path.join(options.directory, `install-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(directory, { recursive: true });
    await removeAbandoned(options.directory);
    const results = await Promise.all(
      available
        .filter((entry) => wanted.includes(entry.library))
        .map((entry) => installPackage(entry, directory, path.join(work, entry.library), options)),
    );
    const failures = results.flatMap((result) => (result.ok ? [] : [result.error]));
    if (failures.length > 0) return err(failures);
    return ok(results.flatMap((result) => (result.ok ? [result.value] : [])));
  } catch (error) {
    return err([errorDiagnostic('io', `cannot install into ${directory}: ${(error as Error).message}`)]);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function installPackage(
  entry: PinnedPackage,
  directory: string,
  work: string,
  options: InstallOptions,
): Promise<Result<InstalledLibrary, Diagnostic>> {
  const versioned = path.join(directory, path.basename(entry.file));
  const opened = path.join(directory, libraryFileName(entry.library, options.platform.os));
  const installed = { library: entry.library, version: entry.libraryVersion, path: opened };
  // The name appears by a rename after the checks, so a file of that name is whole.
  if (await exists(opened)) return ok({ ...installed, isNew: false });

  await mkdir(work, { recursive: true });
  options.onProgress?.(
    `downloading ${entry.library} ${entry.libraryVersion} (${entry.name}@${entry.version})`,
  );
  const tarball = await download(entry, work, options.npm ?? 'npm');
  if (!tarball.ok) return tarball;
  const integrity = `sha512-${await sha512(tarball.value)}`;
  if (integrity !== entry.integrity) {
    return err(
      errorDiagnostic(
        'environment',
        `${entry.name}@${entry.version} is not the package that krun was built for`,
        {
          hint: `expected ${entry.integrity}, got ${integrity}; check the registry that npm uses`,
        },
      ),
    );
  }
  await run('tar', ['-xzf', tarball.value, '-C', work, `package/${entry.file}`]);
  await chmod(path.join(work, 'package', entry.file), 0o755);
  await rename(path.join(work, 'package', entry.file), versioned);
  if (versioned !== opened) {
    const link = path.join(work, 'link');
    await symlink(path.basename(versioned), link);
    await rename(link, opened);
  }
  options.onProgress?.(`installed ${opened}`);
  return ok({ ...installed, isNew: true });
}

async function download(
  entry: PinnedPackage,
  work: string,
  npm: string,
): Promise<Result<string, Diagnostic>> {
  try {
    // The working directory keeps a project's own .npmrc and workspaces out of it.
    await run(npm, ['pack', `${entry.name}@${entry.version}`, '--json', '--pack-destination', work], {
      cwd: work,
      timeout: DOWNLOAD_TIMEOUT_MS,
    });
    const tarball = (await readdir(work)).find((name) => name.endsWith('.tgz'));
    if (tarball === undefined) throw new Error('npm pack left no tarball');
    return ok(path.join(work, tarball));
  } catch (error) {
    const failure = error as NodeJS.ErrnoException & { readonly stderr?: string };
    if (failure.code === 'ENOENT') {
      return err(
        errorDiagnostic('environment', `cannot download ${entry.library}: ${npm} is not installed`, {
          hint: `install npm, or install ${entry.library} from your distribution`,
        }),
      );
    }
    return err(
      errorDiagnostic(
        'environment',
        `cannot download ${entry.name}@${entry.version}: ${npmReason(failure)}`,
        {
          hint: 'npm reaches packages through the registry and proxy of `npm config list`',
        },
      ),
    );
  }
}

/** npm's own sentence, without its decoration and the pointer to its log. */
function npmReason(failure: Error & { readonly stderr?: string }): string {
  const lines = (failure.stderr ?? '')
    .split('\n')
    .filter((line) => /^npm (error|ERR!)/.test(line))
    .map((line) => line.replace(/^npm (error|ERR!)\s*/, ''))
    .filter((line) => line !== '' && !line.startsWith('A complete log') && !line.startsWith('code '));
  return lines[0] ?? failure.message;
}

async function sha512(file: string): Promise<string> {
  const hash = createHash('sha512');
  await pipeline(createReadStream(file), hash);
  return hash.digest('base64');
}

/** Work directories of installers that were killed. */
async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const pid = /^install-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid)))
      await rm(path.join(directory, name), { recursive: true, force: true });
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function noPackage(library: LibraryName, platform: Platform): Diagnostic {
  return errorDiagnostic('environment', `no npm package has ${library} for ${platform.os} ${platform.arch}`, {
    hint: `install ${library} from your distribution, or build it and set KRUN_${library.toUpperCase()}`,
  });
}
