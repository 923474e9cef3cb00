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
  /** Variables that made the value, after interpolation. */
  readonly variables?: readonly UsedVariable[];
  /** Text of a plain number, boolean or null as written: `1.10`, `0x1F`. */
  readonly source?: string;
  readonly tag?: MergeTag;
  /** What an earlier file or an extended machine said before this value replaced it. */
  readonly replaced?: Tree;
}

/** A variable that a text was made of, as it was there: an included file may have its own. */
export interface UsedVariable {
  readonly name: string;
  /** Absent where it was not set, and a default took its place. */
  readonly value?: string;
  readonly origin?: VariableOrigin;
}

/** Where a variable got its value: the shell that started krun, krun itself, or a line of an env file. */
export type VariableOrigin =
  | { readonly kind: 'environment' }
  | { readonly kind: 'krun' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number };

/** compose-spec's merge tags: `!reset` drops what an earlier file said, `!override` replaces instead of merging. */
export type MergeTag = 'reset' | 'override';

/** Keys and indices from the root to a value. */
export type TreePath = readonly (string | number)[];
