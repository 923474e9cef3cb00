import { execFile } from 'node:child_process';
import path from 'node:path';
import { errnoOf } from './errno.ts';

/** How a helper program ended. */
export type ToolResult =
  | { readonly kind: 'done' }
  /** No such program. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly code: number | string; readonly message: string };

/** File system tools live where a user's PATH often does not look. */
const ADMIN_DIRECTORIES = ['/usr/sbin', '/sbin', '/usr/local/sbin', '/opt/homebrew/opt/e2fsprogs/sbin'];

/** Runs a helper program without a shell and without input. */
export function runTool(program: string, args: readonly string[], signal?: AbortSignal): Promise<ToolResult> {
  const search = [process.env['PATH'] ?? '/usr/bin:/bin', ...ADMIN_DIRECTORIES].join(path.delimiter);
  const env = { ...process.env, PATH: search, LC_ALL: 'C' };
  return new Promise((resolve) => {
    const child = execFile(program, [...args], { env, signal }, (error, _stdout, stderr) => {
      if (!error) return resolve({ kind: 'done' });
      if (errnoOf(error) === 'ENOENT') return resolve({ kind: 'missing' });
      const code = error.code ?? error.signal ?? 'unknown';
      resolve({ kind: 'failed', code, message: stderr.trim() || error.message });
    });
    child.stdin?.end();
  });
}
