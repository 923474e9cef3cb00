import { lstat, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { errnoOf, ignoreErrno, systemHint, unlessMissing } from '../host/errno.ts';
import { LONGEST_SOCKET_PATH } from '../project/socket-path.ts';
import { machineLayout, type Layout } from './layout.ts';

/** A machine whose name is too long for a socket; its socket's name is as long as one gets. */
const LONG_NAME = 'x'.repeat(64);

/** Makes the project's state directory (0700, ignored by git) and what is always below it. */
export async function prepareStateDirectory(layout: Layout): Promise<Result<void, Diagnostic>> {
  const base = path.join(layout.projectDirectory, '.krun');
  try {
    await makeDirectory(base);
    await ignoreForGit(path.join(base, '.gitignore'));
    for (const directory of [layout.disksDirectory, layout.buildsDirectory, layout.machinesDirectory]) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
    }
    return ok(undefined);
  } catch (error) {
    return err(cannotCreate(base, error, await ownerHint(base)));
  }
}

/**
 * Makes the directory of the project's sockets. Whoever can write there can pose as the supervisor, and its parent may
 * be the shared temporary directory, so neither level is taken on trust.
 */
export async function prepareRuntimeDirectory(
  layout: Layout,
  uid: number,
): Promise<Result<void, Diagnostic>> {
  const tooLong = checkSocketPaths(layout, [LONG_NAME]);
  if (tooLong) return err(tooLong);
  const parent = path.dirname(layout.runtimeDirectory);
  for (const directory of [parent, layout.runtimeDirectory]) {
    const problem = await preparePrivateDirectory(directory, uid);
    if (problem) return err(problem);
  }
  return ok(undefined);
}

/** Makes a directory of sockets unless it is there, and says what keeps it from being private to the user. */
export async function preparePrivateDirectory(
  directory: string,
  uid: number,
): Promise<Diagnostic | undefined> {
  try {
    await makeDirectory(directory);
  } catch (error) {
    return cannotCreate(directory, error, 'set XDG_RUNTIME_DIR to a directory of yours, or unset it');
  }
  return checkPrivateDirectory(directory, uid);
}

/** Says what keeps a directory from being private to the user; undefined when nothing does. */
export async function checkPrivateDirectory(directory: string, uid: number): Promise<Diagnostic | undefined> {
  const found = await lstat(directory);
  const hint = `remove ${directory}, or set XDG_RUNTIME_DIR to a directory that only you can write`;
  if (!found.isDirectory()) {
    const what = found.isSymbolicLink() ? 'a symbolic link' : 'not a directory';
    return errorDiagnostic('environment', `runtime directory ${directory} is ${what}`, { hint });
  }
  if (found.uid !== uid) {
    return errorDiagnostic(
      'environment',
      `runtime directory ${directory} belongs to user ${found.uid}, not to user ${uid}`,
      { hint },
    );
  }
  const mode = found.mode & 0o777;
  if ((mode & 0o077) === 0) return undefined;
  return errorDiagnostic(
    'environment',
    `runtime directory ${directory} is open to other users (mode ${mode.toString(8)})`,
    { hint: `run: chmod 700 ${directory}` },
  );
}

/** A path that does not fit into sun_path would be cut off by the kernel: another file's name, or no error at all. */
export function checkSocketPaths(layout: Layout, machines: readonly string[]): Diagnostic | undefined {
  const sockets = machines.map((machine) => machineLayout(layout, machine).controlSocket);
  for (const socket of [layout.supervisorSocket, ...sockets]) {
    const length = Buffer.byteLength(socket);
    if (length <= LONGEST_SOCKET_PATH) continue;
    return errorDiagnostic(
      'environment',
      `socket path ${socket} has ${length} bytes; the operating system allows ${LONGEST_SOCKET_PATH}`,
      { hint: 'set XDG_RUNTIME_DIR to a directory with a shorter path' },
    );
  }
  return undefined;
}

/** Not with `recursive`, which tells a read-only file system as ENOENT. */
async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    ignoreErrno(error, 'EEXIST');
    if (!(await stat(directory)).isDirectory()) throw error;
  }
}

/** `wx` keeps a file that the user changed, and does not wake up watchers of the project at each command. */
async function ignoreForGit(file: string): Promise<void> {
  try {
    await writeFile(file, '*\n', { flag: 'wx' });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    // A full disk makes the file and not its text, and the next command would find it there.
    await rm(file, { force: true });
    throw error;
  }
}

/** Somebody else's, most often root's after `sudo krun up`. */
async function ownerHint(directory: string): Promise<string | undefined> {
  const owner = (await unlessMissing(stat(directory)))?.uid;
  if (owner === undefined || owner === process.getuid?.()) return undefined;
  return `${directory} belongs to user ${owner}: run krun as that user, or chown -R it to yours`;
}

function cannotCreate(directory: string, error: unknown, hint?: string): Diagnostic {
  const code = errnoOf(error);
  if (code === undefined) throw error;
  const { path: refused = directory } = error as NodeJS.ErrnoException;
  const parent = path.dirname(refused);
  const access = /^(EACCES|EPERM)$/.test(code) ? `make ${parent} writable for your user` : undefined;
  return errorDiagnostic('io', `cannot create ${refused}: ${code}`, {
    hint: hint ?? access ?? systemHint(code) ?? `check ${parent}`,
  });
}
