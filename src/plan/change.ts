import { own } from '../base/record.ts';

/** What one changed value has to say; `key` is the author's path of it below the machine. */
export interface Change {
  readonly text: string;
  readonly key: string;
  /** Dotted paths at which the value may be written, the most exact first; tried before `key`. */
  readonly places?: readonly string[];
  /** Takes effect without a new machine; where absent, the field decides. */
  readonly isLive?: boolean;
}

export function changed(
  key: string,
  before: string | number | boolean,
  after: string | number | boolean,
): Change[] {
  return before === after ? [] : [{ key, text: `${key} changed ${before} -> ${after}` }];
}

/** Added, removed and changed members of a set of named things, each already as text. */
export function compareNamed(
  key: string,
  noun: string,
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): Change[] {
  return sortedUnion(before, after).flatMap((name) => {
    const [from, to] = [own(before, name), own(after, name)];
    if (from === to) return [];
    const path = `${key}/${name}`;
    if (from === undefined) return [{ key: path, text: `${noun} ${name} added` }];
    if (to === undefined) return [{ key: path, text: `${noun} ${name} removed` }];
    return [{ key: path, text: `${noun} ${name} changed ${from} -> ${to}` }];
  });
}

export function sortedUnion(before: object, after: object): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
}
