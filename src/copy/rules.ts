import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { shown } from './bytes.ts';

/*
 * What `docker cp` does with which source and which destination, the same in both directions.
 */

/** What is at a place, links followed. */
export type PlaceKind = 'directory' | 'other' | 'missing';

/** What is copied. `contents` is a directory without itself: `dir/.`; `stream` is a tar from standard input. */
export type SourceKind = 'file' | 'directory' | 'contents' | 'stream';

/** What is known about a destination before anything is written. */
export interface DestinationFacts {
  /** As the user wrote it, for messages. */
  readonly named: string;
  readonly kind: PlaceKind;
  /** Whether its name ends with `/` or `/.`, which only a directory may. */
  readonly assertsDirectory: boolean;
  /** Whether the directory that holds it, or would, is there. */
  readonly hasParent: boolean;
  /** Name in that directory, behind symbolic links. */
  readonly base: string;
  /** What is in the destination, itself and no link's target, under the name that would be written there. */
  readonly inside: PlaceKind;
}

/** The name that is written, below the directory or else beside the destination; empty for the directory itself. */
export interface Placement {
  readonly name: string;
}

/** Where a source goes. `sourceName` is its last part; names are byte strings. */
export function placeCopy(
  source: SourceKind,
  sourceName: string,
  facts: DestinationFacts,
): Result<Placement, Diagnostic> {
  const { named, kind, assertsDirectory, hasParent, base, inside } = facts;
  if (kind === 'directory') {
    if (source === 'contents' || source === 'stream') return ok({ name: '' });
    return placeInside(source, sourceName, { named, inside });
  }
  if (kind === 'other') {
    if (source === 'stream') return refuse(`${named} is no directory`, 'a tar stream goes into a directory');
    if (source !== 'file') return refuse(`cannot copy a directory to a file: ${named} is there`);
    if (assertsDirectory) return refuse(`${named} is no directory`);
    return ok({ name: base });
  }
  if (!hasParent)
    return refuse(`cannot make ${named}: the directory above it does not exist`, 'make it first');
  if (source === 'stream')
    return refuse(`no directory ${named}`, 'a tar stream goes into a directory that exists');
  if (source === 'file' && assertsDirectory) {
    return refuse(`no directory ${named}`, 'make it first, or leave the / at its end out');
  }
  return ok({ name: base });
}

function placeInside(
  source: 'file' | 'directory',
  sourceName: string,
  { named, inside }: Pick<DestinationFacts, 'named' | 'inside'>,
): Result<Placement, Diagnostic> {
  const there = `${shown(sourceName)} in ${named}`;
  if (inside === 'directory' && source === 'file')
    return refuse(`cannot overwrite directory ${there} with a file`);
  if (inside === 'other' && source === 'directory') {
    return refuse(`cannot overwrite ${there}, which is no directory, with a directory`);
  }
  return ok({ name: sourceName });
}

function refuse(message: string, hint?: string): Result<never, Diagnostic> {
  return err(errorDiagnostic('path', message, hint === undefined ? {} : { hint }));
}
