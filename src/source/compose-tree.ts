import { isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Alias, Document, Node, Pair, Scalar, YAMLMap } from 'yaml';
import { errorDiagnostic, type Diagnostic, type DiagnosticCode, type Span } from '../base/diagnostic.ts';
import { nearest } from '../base/text.ts';
import type { SourceFile } from './source-file.ts';
import type { MapEntry, MapTree, MergeTag, Tree } from './tree.ts';

/** Values that aliases may add to a file; more is an "alias bomb". */
const MOST_ALIASED_VALUES = 100_000;

/** A generated file may repeat one mistake for ever; nobody reads more than this. */
const MOST_MISTAKES = 100;

/** Levels of nesting; configuration has fewer than ten. */
const MOST_LEVELS = 100;

/** Turns a parsed document into a tree. Values reached through an alias are shared and keep the place of the anchor. */
export function composeTree(
  file: SourceFile,
  document: Document.Parsed,
): { tree: Tree; diagnostics: Diagnostic[] } {
  const composer = new TreeComposer(file);
  const tree = composer.compose(document.contents, 0, 0);
  return { tree, diagnostics: composer.diagnostics };
}

/** How much a tree holds, aliases written out. */
interface Extent {
  readonly values: number;
  readonly levels: number;
}

class TreeComposer {
  readonly diagnostics: Diagnostic[] = [];
  readonly #file: SourceFile;
  /** Anchors in the order of the text; `open` while the walk is inside the anchored value. */
  readonly #anchors = new Map<string, 'open' | Tree>();
  readonly #extents = new WeakMap<Tree, Extent>();
  readonly #reported = new Set<DiagnosticCode>();
  #aliasedValues = 0;

  constructor(file: SourceFile) {
    this.#file = file;
  }

  compose(node: Node | null | undefined, offset: number, level: number): Tree {
    if (!node) return this.#nothing({ file: this.#file.path, start: offset, end: offset });
    const span = this.#spanOf(node, offset);
    if (level > MOST_LEVELS) {
      this.#reportOnce('limit', `values are nested more than ${MOST_LEVELS} levels deep`, span);
      return this.#nothing(span);
    }
    if (isAlias(node)) return this.#composeAlias(node, span, level);
    const anchor = 'anchor' in node && typeof node.anchor === 'string' ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, 'open');
    const tree = this.#composeValue(node, span, level);
    if (anchor !== undefined) this.#anchors.set(anchor, tree);
    return tree;
  }

  #composeValue(node: Node, span: Span, level: number): Tree {
    const tag = mergeTag(node);
    if (isMap(node)) return this.#composeMap(node, span, level, tag);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.compose(item as Node | null, span.start, level + 1));
      return this.#measured({ kind: 'sequence', span, items, ...tag }, items);
    }
    const tree: Tree = { kind: 'scalar', span, ...scalarValue(node as Scalar), ...tag };
    return this.#measured(tree, []);
  }

  #composeMap(node: YAMLMap, span: Span, level: number, tag: { tag?: MergeTag }): MapTree {
    const entries = new Map<string, MapEntry>();
    const merged: MapTree[] = [];
    for (const pair of node.items as Pair<Node | null, Node | null>[]) {
      if (isMergeKey(pair.key)) {
        merged.push(...this.#mergeSources(pair, span, level));
        continue;
      }
      const keySpan = this.#spanOf(pair.key, span.start);
      const value = this.compose(pair.value, keySpan.end, level + 1);
      const key = this.#keyText(pair.key, keySpan);
      const earlier = key === undefined ? undefined : entries.get(key);
      if (key === undefined) continue;
      if (earlier) this.#reportDuplicate(key, keySpan, earlier.keySpan);
      else entries.set(key, { keySpan, value });
    }
    // What a map says itself wins over what it merges; of several sources the first wins.
    for (const source of merged) {
      for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry);
    }
    const values = [...entries.values()].map((entry) => entry.value);
    return this.#measured({ kind: 'map', span, entries, ...tag }, values);
  }

  /** Maps behind a `<<`: one, or a list of them. */
  #mergeSources(pair: Pair<Node | null, Node | null>, mapSpan: Span, level: number): MapTree[] {
    const keySpan = this.#spanOf(pair.key, mapSpan.start);
    const errors = this.diagnostics.length;
    const value = this.compose(pair.value, keySpan.end, level + 1);
    const sources = value.kind === 'sequence' ? value.items : [value];
    const maps = sources.filter((source) => source.kind === 'map');
    // An alias that could not be resolved has been reported already.
    if (maps.length < sources.length && this.diagnostics.length === errors) {
      this.#report(
        'yaml-syntax',
        '`<<` takes a map or a list of maps',
        this.#spanOf(pair.value, keySpan.end),
        {
          hint: 'write `<<: *anchor`',
        },
      );
    }
    return maps;
  }

  #composeAlias(node: Alias, span: Span, level: number): Tree {
    const target = this.#anchors.get(node.source);
    if (target === 'open') {
      this.#report('yaml-alias', `\`*${node.source}\` stands inside the value that it names`, span);
      return this.#nothing(span);
    }
    if (target === undefined) {
      const known = [...this.#anchors.keys()];
      const near = nearest(node.source, known);
      const hint =
        near === undefined ? `write \`&${node.source}\` at a value above it` : `did you mean \`*${near}\`?`;
      this.#report('yaml-alias', `no anchor \`&${node.source}\` comes before this alias`, span, { hint });
      return this.#nothing(span);
    }
    const { values, levels } = this.#extents.get(target) ?? { values: 1, levels: 1 };
    this.#aliasedValues += values;
    if (this.#aliasedValues > MOST_ALIASED_VALUES) {
      const message = `aliases make this file stand for more than ${MOST_ALIASED_VALUES} values`;
      this.#reportOnce('yaml-alias', message, span);
      return this.#nothing(span);
    }
    if (level + levels > MOST_LEVELS) {
      this.#reportOnce('limit', `values are nested more than ${MOST_LEVELS} levels deep`, span);
      return this.#nothing(span);
    }
    return target;
  }

  #keyText(key: Node | null, span: Span): string | undefined {
    if (isScalar(key) && typeof key.value === 'string') return key.value;
    if (isScalar(key) && key.source) {
      const kind = key.value === null ? 'null' : typeof key.value === 'boolean' ? 'a boolean' : 'a number';
      const hint = `write '${key.source}' with quotes`;
      this.#report('wrong-type', `the key ${key.source} is ${kind}; keys are text`, span, { hint });
    } else if (isAlias(key)) {
      this.#report('yaml-syntax', 'an alias cannot be a key', span);
    } else {
      this.#report(
        'yaml-syntax',
        isScalar(key) || !key ? 'the key is missing' : 'a key cannot be a list or a map',
        span,
        {
          hint: 'write `key: value`',
        },
      );
    }
    return undefined;
  }

  #reportDuplicate(key: string, span: Span, first: Span): void {
    this.#report('duplicate-key', `\`${key}\` is already set in this map`, span, {
      related: [{ message: 'first set here', span: first }],
      hint: 'keep one of them',
    });
  }

  #report(code: DiagnosticCode, message: string, span: Span, more: Partial<Diagnostic> = {}): void {
    if (this.diagnostics.length === MOST_MISTAKES) return;
    this.diagnostics.push(errorDiagnostic(code, message, { ...more, span }));
  }

  /** For limits: what goes beyond once does so again and again. */
  #reportOnce(code: DiagnosticCode, message: string, span: Span): void {
    if (this.#reported.has(code)) return;
    this.#reported.add(code);
    this.#report(code, message, span);
  }

  #nothing(span: Span): Tree {
    return this.#measured({ kind: 'scalar', span, value: null, isString: false, source: '' }, []);
  }

  #measured<T extends Tree>(tree: T, children: readonly Tree[]): T {
    let values = 1;
    let levels = 0;
    for (const child of children) {
      const extent = this.#extents.get(child);
      values += extent?.values ?? 1;
      levels = Math.max(levels, extent?.levels ?? 1);
    }
    this.#extents.set(tree, { values, levels: levels + 1 });
    return tree;
  }

  #spanOf(node: Node | null | undefined, offset: number): Span {
    const [start, end] = node?.range ?? [offset, offset];
    return { file: this.#file.path, start, end };
  }
}

function isMergeKey(key: Node | null): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN';
}

function mergeTag(node: Node): { tag?: MergeTag } {
  if (node.tag === '!reset') return { tag: 'reset' };
  if (node.tag === '!override') return { tag: 'override' };
  return {};
}

function scalarValue(node: Scalar): {
  value: string | number | bigint | boolean | null;
  isString: boolean;
  source?: string;
} {
  const source = node.source ?? '';
  // Under a tag the parser takes every scalar as text; a merge tag says nothing about the type.
  if (node.tag?.startsWith('!') && node.type === 'PLAIN') {
    const plain = parseDocument(source, { intAsBigInt: true, logLevel: 'silent' }).contents;
    if (isScalar(plain)) return scalarValue(plain);
  }
  const { value } = node;
  if (value === null || typeof value === 'boolean' || typeof value === 'number') {
    return { value, isString: false, source };
  }
  if (typeof value === 'bigint') {
    const small = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
    return { value: small ? Number(value) : value, isString: false, source };
  }
  return { value: typeof value === 'string' ? value : source, isString: true };
}
