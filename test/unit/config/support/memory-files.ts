import path from 'node:path';
import type { FileAccess } from '../../../../src/config/file-access.ts';

/** A file system of the given files; names that end in `/` are directories, and every parent is one. */
export function memoryFiles(files: Readonly<Record<string, string | Uint8Array>>): FileAccess {
  const directories = new Set<string>(['/']);
  for (const name of Object.keys(files)) {
    const isDirectory = name.endsWith('/');
    for (let at = isDirectory ? name.slice(0, -1) : path.dirname(name); at !== '/'; at = path.dirname(at)) {
      directories.add(at);
    }
  }
  return {
    async readFile(file) {
      const content = files[file];
      if (content !== undefined) {
        return {
          kind: 'file',
          bytes: typeof content === 'string' ? new TextEncoder().encode(content) : content,
        };
      }
      return directories.has(file) ? { kind: 'directory' } : { kind: 'missing' };
    },
    async kindOf(file) {
      if (files[file] !== undefined) return 'file';
      return directories.has(file) ? 'directory' : 'missing';
    },
    async isExecutable(file) {
      return files[file] !== undefined;
    },
    async realPath(file) {
      return file;
    },
  };
}
