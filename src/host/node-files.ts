import { createReadStream } from 'node:fs';
import { access, constants, realpath, stat } from 'node:fs/promises';
import type { FileAccess, FileContent, FileKind } from '../config/file-access.ts';
import { LARGEST_FILE_BYTES } from '../source/decode.ts';

/** The real file system. */
export function nodeFiles(): FileAccess {
  return { readFile: readContent, kindOf, isExecutable, realPath };
}

async function readContent(path: string): Promise<FileContent> {
  try {
    return { kind: 'file', bytes: await readStart(path) };
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing' };
    if (code === 'EISDIR') return { kind: 'directory' };
    return { kind: 'error', message: reasonOf(error, code) };
  }
}

/** At most one byte more than a configuration may have, so that a device without an end is refused as too large. */
async function readStart(path: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path, { end: LARGEST_FILE_BYTES })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function kindOf(path: string): Promise<FileKind> {
  try {
    const found = await stat(path);
    if (found.isFile()) return 'file';
    return found.isDirectory() ? 'directory' : 'other';
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
    // Something is there and cannot be looked at (EACCES), or leads nowhere (ELOOP): reading it will say why.
    return 'other';
  }
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch (error) {
    errnoOf(error);
    return false;
  }
}

async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    errnoOf(error);
    return path;
  }
}

/** Error number of a system call; anything else is a bug and goes on. */
function errnoOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  throw error;
}

/** `EACCES: permission denied`, without the call and the path that node appends. */
function reasonOf(error: unknown, code: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const known: Readonly<Record<string, string>> = { ELOOP: 'ELOOP: symbolic links lead in a circle' };
  return known[code] ?? message.replace(/, \w+( '.*')?$/s, '');
}
