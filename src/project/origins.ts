import { relative } from 'node:path';
import type { Span } from '../base/diagnostic.ts';
import type { MapTree } from '../source/tree.ts';

/** `machines.web.networks.default.ip` is as deep as plans look. */
const DEEPEST = 5;

/** Where every key of the file is written, by dotted path: `krun.yaml:7`, relative to the project directory. */
export function originTexts(
  tree: MapTree,
  named: ReadonlyMap<string, Span>,
  texts: ReadonlyMap<string, string>,
  directory: string,
): Readonly<Record<string, string>> {
  const lines = new Map([...texts].map(([file, text]) => [file, lineStarts(text)]));
  const origins = new Map<string, string>();
  const add = (path: string, span: Span): void => {
    const starts = lines.get(span.file);
    if (starts) origins.set(path, `${displayPath(span.file, directory)}:${lineOf(starts, span.start)}`);
  };
  const visit = (node: MapTree, prefix: string, depth: number): void => {
    for (const [key, entry] of node.entries) {
      const path = prefix === '' ? key : `${prefix}.${key}`;
      add(path, entry.keySpan);
      if (entry.value.kind === 'map' && depth < DEEPEST) visit(entry.value, path, depth + 1);
    }
  };
  visit(tree, '', 1);
  for (const [path, span] of named) add(path, span);
  return Object.fromEntries(origins);
}

function displayPath(file: string, directory: string): string {
  const path = relative(directory, file);
  // A file far away is clearer by its full name.
  return path.startsWith('../../') ? file : path;
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let index = text.indexOf('\n'); index >= 0; index = text.indexOf('\n', index + 1))
    starts.push(index + 1);
  return starts;
}

/** 1-based line of an offset, by bisection: a large project asks for tens of thousands. */
function lineOf(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}
