/** Code of a system error, such as `ENOENT`; undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : undefined;
}

/** Passes over the named system errors and throws any other. */
export function ignoreErrno(error: unknown, ...expected: readonly string[]): void {
  const code = errnoOf(error);
  if (code === undefined || !expected.includes(code)) throw error;
}

/** The value, or undefined where the file (or a directory above it) does not exist. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    ignoreErrno(error, 'ENOENT', 'ENOTDIR');
    return undefined;
  }
}

/** The same of what does not wait. `throwIfNoEntry` of Node still throws where a file is in the way of a directory. */
export function unlessMissingSync<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    ignoreErrno(error, 'ENOENT', 'ENOTDIR');
    return undefined;
  }
}

/** What the user can do about a system error; undefined where that depends on more than its code. */
export function systemHint(code: string): string | undefined {
  return HINTS[code];
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space and run the command again',
  EDQUOT: 'your disk quota is used up; free some space and run the command again',
  EACCES: 'make the path accessible for your user',
  EPERM: 'the system does not let your user do that',
  EROFS: 'the file system is mounted read-only',
  EMFILE: 'too many open files; raise the limit (ulimit -n)',
  ENFILE: 'the system has too many open files',
  EAGAIN: 'the system refuses more processes; raise the limit (ulimit -u)',
  ENOMEM: 'the system is out of memory',
};
