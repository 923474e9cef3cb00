import type { Span } from '../base/diagnostic.ts';

/**
 * A YAML value that still knows where it was written. Every later step (interpolation, extends, merge, include,
 * validation) is a function from trees to trees, so that a message can always point at the text, and
 * `krun config --explain` can name the file, line and variable behind any value.
 */
export type Tree = MapTree | SequenceTree | ScalarTree;

export interface MapTree {
  readonly kind: 'map';
  readonly span: Span;
  /** In the order of the text; aliases and merge keys are already resolved. */
  readonly entries: ReadonlyMap<string, MapEntry>;
  readonly tag?: MergeTag;
  /** What an earlier file or an extended machine said before this value replaced it. */
  readonly replaced?: Tree;
}

export interface MapEntry {
  /** Where the key is written. */
  readonly keySpan: Span;
  readonly value: Tree;
}

export interface SequenceTree {
  readonly kind: 'sequence';
  readonly span: Span;
  readonly items: readonly Tree[];
  readonly tag?: MergeTag;
  /** What an earlier file or an extended machine said before this value replaced it. */
  readonly replaced?: Tree;
}

export interface ScalarTree {
  readonly kind: 'scalar';
  readonly span: Span;
  readonly value: string | number | bigint | boolean | null;
  /** Set while the text may hold `${...}`: strings of every style. */
  readonly isString: boolean;
  /** Variables that made the value, by name, after interpolation. */
  readonly variables?: readonly string[];
  /** Text of a plain number, boolean or null as written: `1.10`, `0x1F`. */
  readonly source?: string;
  readonly tag?: MergeTag;
  /** What an earlier file or an extended machine said before this value replaced it. */
  readonly replaced?: Tree;
}

/** compose-spec's merge tags: `!reset` drops what an earlier file said, `!override` replaces instead of merging. */
export type MergeTag = 'reset' | 'override';

/** Keys and indices from the root to a value. */
export type TreePath = readonly (string | number)[];
