import path from 'node:path';
import type { Span } from '../base/diagnostic.ts';
import type { Tree } from '../source/tree.ts';
import { child, scalarText } from './normalize.ts';

/** What a path has to lead to. */
export interface Claim {
  readonly path: string;
  readonly span: Span;
  /** `root directory`. */
  readonly what: string;
  readonly kind: 'file' | 'directory' | 'any' | 'program';
  /** A build makes it. */
  readonly mayBeMissing: boolean;
  readonly hint?: string;
}

/** Where the item of a list is written whose path is the given one. */
export function itemSpan(
  list: Tree | undefined,
  key: string,
  directory: string,
  wanted: string | undefined,
): Span | undefined {
  if (list?.kind !== 'sequence' || wanted === undefined) return undefined;
  for (const item of list.items) {
    const value = item.kind === 'map' ? child(item, key) : item;
    const text = scalarText(value) ?? '';
    const candidates = [text, text.replace(/:\/[^:]*(:(ro|rw))?$/, '')];
    if (candidates.some((candidate) => path.resolve(directory, candidate) === wanted)) return value?.span;
  }
  return undefined;
}
