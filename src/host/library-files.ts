import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { LibraryFiles } from '../libkrun/library.ts';

/** The real file system and krun's own `node_modules`, for library discovery. */
export function nodeLibraryFiles(): LibraryFiles {
  const require = createRequire(import.meta.url);
  return {
    realPath(file) {
      return ignoring(['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'], () => realpathSync(file));
    },
    packageDirectory(name) {
      return ignoring(['MODULE_NOT_FOUND'], () => path.dirname(require.resolve(`${name}/package.json`)));
    },
  };
}

function ignoring<T>(codes: readonly string[], action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
