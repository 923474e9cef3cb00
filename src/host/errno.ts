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
