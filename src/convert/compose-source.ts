import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, Scalar, visit } from 'yaml';
import type { Document, Node, Pair, YAMLMap } from 'yaml';
import { hasErrors, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { parseYaml } from '../source/parse.ts';
import type { SourceFile } from '../source/source-file.ts';
import { keyOf, type Entry, withComments } from './yaml-nodes.ts';

/** A compose file as a document without aliases and merge keys, so that each service can change by itself. */
export interface ComposeSource {
  readonly document: Document;
  /** Line of an offset of the text, from 1. */
  lineOf(offset: number): number;
}

/** Reads a compose file; its mistakes of YAML are told as those of krun.yaml are. */
export function readCompose(source: SourceFile): Result<ComposeSource, readonly Diagnostic[]> {
  const { diagnostics } = parseYaml(source);
  if (hasErrors(diagnostics)) return err(diagnostics);
  const lines = new LineCounter();
  const document = parseDocument(source.text, { merge: false, uniqueKeys: false, lineCounter: lines });
  document.contents = plain(document.contents, document) as never;
  // Only now: until here aliases were looked up by them.
  visit(document, {
    Value(_key, node) {
      delete node.anchor;
    },
  });
  return ok({ document, lineOf: (offset) => lines.linePos(offset).line });
}

/** A node with aliases and merge keys written out; the checked file has few enough of them, and no circles. */
function plain(node: Node | null, document: Document): Node | null {
  if (isAlias(node)) {
    const target = node.resolve(document);
    return target === undefined ? null : plain(target.clone() as Node, document);
  }
  if (isMap(node)) return plainMap(node, document);
  if (isSeq(node)) {
    node.items = node.items.map((item) => plain(item as Node | null, document));
    return node;
  }
  return isScalar(node) ? plainScalar(node) : node;
}

function plainMap(map: YAMLMap, document: Document): YAMLMap {
  const own = new Set((map.items as Entry[]).map(keyOf));
  const seen = new Set<string>();
  const items: Entry[] = [];
  for (const pair of map.items as Pair<Scalar, Node | null>[]) {
    const isMerge = pair.key.value === '<<' && pair.key.type === 'PLAIN';
    const value = plain(pair.value, document);
    const merged = isMerge ? (isSeq(value) ? value.items : [value]) : [];
    // What the map says itself wins; of several sources the first does.
    for (const source of merged) {
      for (const entry of isMap(source) ? (source.items as Entry[]) : []) {
        const key = keyOf(entry);
        if (own.has(key) || seen.has(key)) continue;
        seen.add(key);
        items.push(entry);
      }
    }
    if (isMerge) continue;
    pair.value = value;
    items.push(pair);
  }
  map.items = items;
  return map;
}

/** Numbers are printed as they were written: 3.10 is no 3.1, and 0440 no 440. */
function plainScalar(scalar: Scalar): Scalar {
  const { value, source } = scalar;
  if (typeof value !== 'number' || source === undefined || source === JSON.stringify(value)) return scalar;
  return withComments(scalar, new Scalar(source));
}
