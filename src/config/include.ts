import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { errorDiagnostic, type Diagnostic, type Span } from '../base/diagnostic.ts';
import { toPlain } from '../source/locate.ts';
import type { MapEntry, MapTree, Tree } from '../source/tree.ts';
import { child, scalarText, withChild } from './normalize.ts';
import { absolutePath } from './read.ts';

/** One entry of `include`. */
export interface Include {
  /** Absolute; several are merged like several `-f`. */
  readonly files: readonly string[];
  /** Absolute. */
  readonly projectDirectory: string;
  /** Absolute; `.env` of the directory when not given. */
  readonly envFiles?: readonly string[];
  readonly span: Span;
  readonly envFilesSpan: Span;
}

/** Sections whose names belong to the whole project. */
const NAMED_SECTIONS = ['machines', 'disks', 'networks', 'helpers', 'secrets', 'configs'] as const;

/** The well-formed entries of a file's `include`, relative to `directory`. */
export function includesOf(layer: MapTree, directory: string): Include[] {
  const written = child(layer, 'include');
  if (written?.kind !== 'sequence') return [];
  return written.items.flatMap((item) => {
    const isLong = item.kind === 'map';
    const files = texts(isLong ? child(item, 'path') : item);
    const [first] = files;
    if (first === undefined) return [];
    const absolute = files.map((file) => absolutePath(directory, file));
    const own = scalarText(child(item, 'project_directory'));
    const envFiles = child(item, 'env_file') && texts(child(item, 'env_file'));
    const span = isLong ? (child(item, 'path') ?? item).span : item.span;
    return [
      {
        files: absolute,
        projectDirectory:
          own === undefined ? path.dirname(absolutePath(directory, first)) : absolutePath(directory, own),
        ...(envFiles ? { envFiles: envFiles.map((file) => absolutePath(directory, file)) } : {}),
        span,
        envFilesSpan: child(item, 'env_file')?.span ?? span,
      },
    ];
  });
}

/**
 * A file together with what it includes. Each name has one owner: the same machine, disk or network in two places is
 * a conflict, unless both say the same. Of an included file, `name` and `x-` sections stay behind.
 */
export function combine(layer: MapTree, included: readonly MapTree[], diagnostics: Diagnostic[]): MapTree {
  let result = layer;
  for (const other of included) {
    for (const section of NAMED_SECTIONS) {
      const theirs = other.entries.get(section);
      if (theirs) result = addSection(result, section, theirs, diagnostics);
    }
    const libkrun = other.entries.get('libkrun');
    const ours = child(result, 'libkrun');
    if (libkrun && ours && !isSame(libkrun.value, ours)) {
      diagnostics.push(conflict('`libkrun`', ours.span, libkrun.keySpan));
    } else if (libkrun && !ours) result = withEntry(result, 'libkrun', libkrun);
  }
  return result;
}

/** Two files that include each other, with the trail. */
export function includeCycle(
  trail: readonly { readonly file: string; readonly span?: Span | undefined }[],
): Diagnostic {
  const names = trail.map(({ file }) => path.basename(file)).join(' -> ');
  const spans = trail.flatMap(({ span }) => (span ? [span] : []));
  const [last, ...before] = spans.toReversed();
  return errorDiagnostic('cycle', `files include each other: ${names}`, {
    ...(last ? { span: last } : {}),
    related: before.toReversed().map((span) => ({ message: 'included here', span })),
  });
}

function addSection(result: MapTree, section: string, theirs: MapEntry, diagnostics: Diagnostic[]): MapTree {
  const ours = child(result, section);
  if (!ours) return withEntry(result, section, theirs);
  if (ours.kind !== 'map' || theirs.value.kind !== 'map') return result;
  const entries = new Map(ours.entries);
  for (const [name, entry] of theirs.value.entries) {
    const own = entries.get(name);
    if (!own) entries.set(name, entry);
    else if (!isSame(own.value, entry.value)) {
      diagnostics.push(conflict(`${section.slice(0, -1)} \`${name}\``, own.keySpan, entry.keySpan));
    }
  }
  return withChild(result, section, { ...ours, entries });
}

function conflict(what: string, here: Span, there: Span): Diagnostic {
  return errorDiagnostic('conflict', `${what} is defined by two files that include one another`, {
    span: here,
    related: [{ message: 'the other definition', span: there }],
    hint: 'rename one of them, or change the included one in krun.override.yaml',
  });
}

function withEntry(map: MapTree, key: string, entry: MapEntry): MapTree {
  return { ...map, entries: new Map(map.entries).set(key, entry) };
}

function isSame(one: Tree, other: Tree): boolean {
  return isDeepStrictEqual(toPlain(one), toPlain(other));
}

function texts(tree: Tree | undefined): string[] {
  const items = tree?.kind === 'sequence' ? tree.items : tree ? [tree] : [];
  return items.flatMap((item) =>
    item.kind === 'scalar' && typeof item.value === 'string' && item.value !== '' ? [item.value] : [],
  );
}
