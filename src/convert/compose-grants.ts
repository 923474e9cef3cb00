import { isMap, Scalar } from 'yaml';
import type { Names } from './compose-names.ts';
import { type ComposeFile, type KeyConverter, noteService } from './compose-service.ts';
import { fileGrants } from './compose-volumes.ts';
import {
  entriesOf,
  entry,
  flowMap,
  isTrue,
  itemsOf,
  keyOf,
  listLike,
  mapLike,
  renamed,
  textOf,
  type Entry,
} from './yaml-nodes.ts';

const GRANT_KEYS: ReadonlySet<string> = new Set(['source', 'target', 'uid', 'gid', 'mode']);

/** Secrets or configs of a service: both forms are krun's. */
export function convertGrants(kind: 'secrets' | 'configs'): KeyConverter {
  return (original, service) => {
    const names = service.file.names[kind];
    const items = itemsOf(original.value).map((item) => {
      if (!isMap(item)) return renamedScalar(names, textOf(item) ?? '');
      const parts = entriesOf(item).flatMap((part): Entry[] => {
        if (keyOf(part) === 'source') {
          return [renamed(part, 'source', renamedScalar(names, textOf(part.value) ?? ''))];
        }
        if (GRANT_KEYS.has(keyOf(part)) || keyOf(part).startsWith('x-')) return [part];
        noteService(service, original, 'krun has no such key', `.${keyOf(part)}`);
        return [];
      });
      return mapLike(item, parts);
    });
    const made = kind === 'configs' ? fileGrants(service) : [];
    return [renamed(original, kind, listLike(original.value, [...items, ...made]))];
  };
}

function renamedScalar(names: Names, text: string): Scalar {
  return new Scalar(names.of(text));
}

/** Where secrets and configs of the file come from. */
export function convertSources(
  original: Entry,
  kind: 'secrets' | 'configs',
  file: ComposeFile,
): readonly Entry[] {
  const items = entriesOf(original.value).map((source) =>
    renamed(
      source,
      file.names[kind].of(keyOf(source)),
      mapLike(source.value, sourceEntries(source, kind, file)),
    ),
  );
  const made = kind === 'configs' ? madeSources(file) : [];
  return [renamed(original, kind, mapLike(original.value, [...items, ...made]))];
}

/** The configs that krun.yaml has in place of mounted files. */
export function madeSources(file: ComposeFile): readonly Entry[] {
  return [...file.madeConfigs].map(([name, path]) => entry(name, flowMap({ file: path })));
}

function sourceEntries(source: Entry, kind: 'secrets' | 'configs', file: ComposeFile): readonly Entry[] {
  const tell = (part: Entry, text: string): void =>
    file.note(`${kind}.${keyOf(source)}.${keyOf(part)}`, part.key, text);
  const kept = entriesOf(source.value).flatMap((part): Entry[] => {
    const key = keyOf(part);
    if (['file', 'environment', 'content'].includes(key) || key.startsWith('x-')) return [part];
    if (key === 'external' && !isTrue(part.value)) return [];
    tell(part, SOURCE_REASONS[key] ?? 'krun has no such key');
    return [];
  });
  if (kept.some((part) => !keyOf(part).startsWith('x-'))) return kept;
  const path = `./${kind}/${keyOf(source)}`;
  file.note(`${kind}.${keyOf(source)}`, source.key, `put its contents into ${path}`);
  return [...kept, entry('file', path)];
}

const SOURCE_REASONS: Readonly<Record<string, string>> = {
  external: 'there is no store beside the file that krun could ask',
  name: 'its name is its key',
  labels: 'krun has no labels; what starts with `x-` is ignored',
  driver: 'there is no store beside the file that krun could ask',
  driver_opts: 'there is no store beside the file that krun could ask',
  template_driver: 'krun fills in variables in the file itself, not in what it names',
};
