import path from 'node:path';
import type { MachO } from './mach-o.ts';

/** A file of a copy of node: where it is from, and where it goes below the copy's directory. */
export interface CopiedFile {
  readonly from: string;
  /** Relative to the directory of the copy: `bin/node`. */
  readonly to: string;
}

/** What looking for libraries needs of the outside world. */
export interface LibrarySearch {
  /** What a Mach-O file needs; undefined where it is none. */
  readMachO(file: string): Promise<MachO | undefined>;
  /** Absolute path without symbolic links; undefined where nothing is. */
  realPath(file: string): Promise<string | undefined>;
}

/** A library that a program needs beside itself and that is not there. */
export class MissingLibrary extends Error {
  override readonly name = 'MissingLibrary';
}

/**
 * Everything that a copy of a program must have at the same places relative to it: Homebrew's node is a stub that loads
 * `@rpath/libnode.N.dylib` from beside itself or from `../lib`, so that a copy of the stub alone ends in dyld. Libraries
 * with absolute paths stay where they are. Throws {@link MissingLibrary}.
 */
export async function filesOfCopy(program: string, search: LibrarySearch): Promise<readonly CopiedFile[]> {
  const origin = path.dirname(path.dirname(program));
  const files = new Map<string, CopiedFile>([[program, { from: program, to: relativeTo(origin, program) }]]);
  const programRpaths: Rpath[] = [];
  for (const file of files.keys()) {
    const found = await search.readMachO(file);
    if (found === undefined) throw new MissingLibrary(`${file} is no program of macOS for this processor`);
    const places = { file, program };
    const own = found.rpaths.map((rpath) => ({ text: rpath, ...expanded(rpath, places) }));
    if (file === program) programRpaths.push(...own);
    // dyld looks in the directories of who loads, then in those of the program.
    const loader = { ...places, rpaths: file === program ? own : [...own, ...programRpaths] };
    for (const library of found.libraries) {
      const real = await locate(library, loader, search);
      if (real !== undefined && !files.has(real.path)) {
        files.set(real.path, { from: real.path, to: relativeTo(origin, real.seenAs) });
      }
    }
  }
  return [...files.values()];
}

interface Places {
  /** The file that loads. */
  readonly file: string;
  readonly program: string;
}

interface Expanded {
  /** Absolute. */
  readonly place: string;
  /** Whether it moves with the program. */
  readonly isRelative: boolean;
}

interface Rpath extends Expanded {
  readonly text: string;
}

interface Loader extends Places {
  readonly rpaths: readonly Rpath[];
}

interface FoundLibrary {
  readonly path: string;
  /** Before symbolic links were followed: dyld asks for it under this name. */
  readonly seenAs: string;
}

function expanded(text: string, { file, program }: Places): Expanded {
  const place = text
    .replace(/^@loader_path(?=\/|$)/, path.dirname(file))
    .replace(/^@executable_path(?=\/|$)/, path.dirname(program));
  return { place: path.normalize(place), isRelative: place !== text };
}

/** A library that moves with the program; undefined for one that the system finds wherever the program is. */
async function locate(
  library: string,
  loader: Loader,
  search: LibrarySearch,
): Promise<FoundLibrary | undefined> {
  const isRpath = library.startsWith('@rpath/');
  const name = library.slice('@rpath/'.length);
  const candidates = isRpath
    ? loader.rpaths.map(({ place, isRelative }) => ({ place: path.join(place, name), isRelative }))
    : [expanded(library, loader)];
  for (const { place, isRelative } of candidates) {
    // Libraries of the system are in no file at all.
    if (!isRelative && !isRpath) return undefined;
    const real = await search.realPath(place);
    if (real !== undefined) return isRelative ? { path: real, seenAs: place } : undefined;
  }
  const places = isRpath ? loader.rpaths.map(({ text }) => text).join(', ') : path.dirname(library);
  throw new MissingLibrary(`${loader.file} needs ${library}, which is not in ${places}`);
}

/** A place below the directory above the program's own, as `bin` and `lib` are. */
function relativeTo(origin: string, file: string): string {
  const relative = path.relative(origin, file);
  if (!relative.startsWith('..')) return relative;
  throw new MissingLibrary(`${file} is outside of ${origin}, so that a copy would not find it`);
}
