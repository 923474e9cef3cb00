import { execFile } from 'node:child_process';
import path from 'node:path';
import { errnoOf } from './errno.ts';

/** How a helper program ended. */
export type ToolResult =
  | { readonly kind: 'done' }
  /** No such program. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly code: number | string; readonly message: string };

/** Where programs that disks need are, beside a user's PATH: `krun doctor` looks there as well. */
export const TOOL_DIRECTORIES: readonly string[] = [
  '/usr/sbin',
  '/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/e2fsprogs/sbin',
];

/** Runs a helper program without a shell and without input. */
export function runTool(program: string, args: readonly string[], signal?: AbortSignal): Promise<ToolResult> {
  const search = [process.env['PATH'] ?? '/usr/bin:/bin', ...TOOL_DIRECTORIES].join(path.delimiter);
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
