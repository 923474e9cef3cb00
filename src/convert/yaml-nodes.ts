import { isMap, isScalar, isSeq, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import type { Node, ParsedNode } from 'yaml';

/** A key and its value as the converters handle them. */
export type Entry = Pair<Scalar, Node | null>;

/** The entries of a map whose keys are scalars, which all maps of a checked file are. */
export function entriesOf(map: Node | null | undefined): readonly Entry[] {
  return isMap(map) ? (map.items as readonly Entry[]) : [];
}

/** The items of a list; none for anything else. */
export function itemsOf(list: Node | null | undefined): readonly (Node | null)[] {
  return isSeq(list) ? (list.items as readonly (Node | null)[]) : [];
}

/** Name of an entry. */
export function keyOf(entry: Entry): string {
  return textOf(entry.key) ?? '';
}

/** Value of a key; undefined where there is no map or no such key. */
export function valueOf(map: Node | null | undefined, key: string): Node | null | undefined {
  return entriesOf(map).find((entry) => keyOf(entry) === key)?.value;
}

/** Text of a scalar as it was written, without quotes; undefined for lists, maps and nothing. */
export function textOf(node: Node | null | undefined): string | undefined {
  if (!isScalar(node) || node.value === null) return undefined;
  return typeof node.value === 'string' ? node.value : (node.source ?? JSON.stringify(node.value));
}

/** Texts of a list, or of the one scalar that stands for a list. */
export function textsOf(node: Node | null | undefined): readonly string[] {
  const items = isSeq(node) ? itemsOf(node) : [node];
  return items.flatMap((item) => textOf(item) ?? []);
}

/** Whether a scalar says true, also as text. */
export function isTrue(node: Node | null | undefined): boolean {
  return textOf(node)?.toLowerCase() === 'true';
}

/** Offset of a node in the original, where it is of the original. */
export function offsetOf(node: Node | null | undefined): number | undefined {
  return (node as ParsedNode | null | undefined)?.range?.[0];
}

/** An entry that was not in the original. */
export function entry(key: string, value: Node | string | number | boolean | null): Entry {
  const node = value === null || typeof value !== 'object' ? new Scalar(value) : value;
  return new Pair<Scalar, Node | null>(new Scalar(key), node);
}

/** A node that stands where another one stood, with what was said about that. */
export function withComments<T extends Node>(original: Node | null | undefined, node: T): T {
  if (!original) return node;
  node.commentBefore = original.commentBefore ?? null;
  node.comment = original.comment ?? null;
  node.spaceBefore = original.spaceBefore ?? false;
  return node;
}

/** The same entry, with its comments, under another key. */
export function renamed(original: Entry, key: string, value: Node | null = original.value): Entry {
  return new Pair<Scalar, Node | null>(withComments(original.key, new Scalar(key)), value);
}

/** A map with the comments and the style of another. */
export function mapLike(original: Node | null | undefined, items: readonly Entry[]): YAMLMap {
  const map = new YAMLMap<Scalar, Node | null>();
  map.items = [...items];
  if (!isMap(original)) return map;
  map.flow = original.flow ?? false;
  return withComments(original, map);
}

/** A list with the comments and the style of another. */
export function listLike(original: Node | null | undefined, items: readonly (Node | null)[]): YAMLSeq {
  const list = new YAMLSeq<Node | null>();
  list.items = [...items];
  if (!isSeq(original)) return list;
  list.flow = original.flow ?? false;
  return withComments(original, list);
}

/** `[a, b]` on one line. */
export function flowList(texts: readonly string[]): YAMLSeq {
  const list = new YAMLSeq();
  list.flow = true;
  list.items = texts.map((text) => new Scalar(text));
  return list;
}

/** `{ a: b }` on one line. */
export function flowMap(items: Readonly<Record<string, string | number | boolean>>): YAMLMap {
  const map = new YAMLMap<Scalar, Node | null>();
  map.flow = true;
  map.items = Object.entries(items).map(([key, value]) => entry(key, value));
  return map;
}
