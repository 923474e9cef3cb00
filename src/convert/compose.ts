import { isMap, visit, type Node, type YAMLMap } from 'yaml';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { FileKind } from '../config/file-access.ts';
import { expandTemplate } from '../config/template.ts';
import type { SourceFile } from '../source/source-file.ts';
import { convertGrants, convertSources, madeSources } from './compose-grants.ts';
import {
  convertDependencies,
  convertDevelop,
  convertExtends,
  convertUnlessEmpty,
  convertWords,
} from './compose-keys.ts';
import { LOST_KEYS } from './compose-lost.ts';
import { Names } from './compose-names.ts';
import {
  convertAttachments,
  convertLinks,
  convertMacAddress,
  convertNetworkMode,
  convertNetworks,
} from './compose-networks.ts';
import { convertPorts } from './compose-ports.ts';
import {
  convertCpus,
  convertDeploy,
  convertHealthcheck,
  convertLogging,
  convertMemory,
  convertUlimits,
} from './compose-resources.ts';
import { convertBuild, convertImage, rootWithoutImage } from './compose-root.ts';
import type { ComposeFile, KeyConverter, Service } from './compose-service.ts';
import { readCompose } from './compose-source.ts';
import { convertVolumes } from './compose-volumes.ts';
import type { Conversion, Note } from './note.ts';
import {
  entriesOf,
  entry,
  itemsOf,
  keyOf,
  mapLike,
  offsetOf,
  renamed,
  textOf,
  textsOf,
  type Entry,
  valueOf,
  withComments,
} from './yaml-nodes.ts';

const keep: KeyConverter = (original) => [original];
/** Told or done at another key. */
const elsewhere: KeyConverter = () => [];

const KEYS: Readonly<Record<string, KeyConverter>> = {
  build: convertBuild,
  command: convertWords,
  configs: convertGrants('configs'),
  cpu_count: convertCpus,
  cpus: convertCpus,
  depends_on: convertDependencies,
  deploy: convertDeploy,
  develop: convertDevelop,
  entrypoint: convertWords,
  env_file: convertUnlessEmpty,
  environment: convertUnlessEmpty,
  extends: convertExtends,
  healthcheck: convertHealthcheck,
  hostname: keep,
  image: convertImage,
  links: convertLinks,
  logging: convertLogging,
  mac_address: convertMacAddress,
  mem_limit: convertMemory,
  network_mode: convertNetworkMode,
  networks: convertAttachments,
  platform: elsewhere,
  ports: convertPorts,
  profiles: keep,
  read_only: elsewhere,
  restart: keep,
  secrets: convertGrants('secrets'),
  stdin_open: keep,
  stop_grace_period: keep,
  stop_signal: keep,
  tty: keep,
  ulimits: convertUlimits,
  user: keep,
  volumes: convertVolumes,
  working_dir: keep,
};

/**
 * A krun.yaml made of a compose file, in its order and with its comments. `kindOf` says what a path is that is relative
 * to the compose file: only directories can be shared.
 */
export function convertCompose(
  source: SourceFile,
  kindOf: (path: string) => FileKind,
): Result<Conversion, readonly Diagnostic[]> {
  const read = readCompose(source);
  if (!read.ok) return read;
  const { document } = read.value;
  const root = document.contents;
  const services = valueOf(root, 'services');
  if (!isMap(root) || !isMap(services) || services.items.length === 0) {
    const span = { file: source.path, start: 0, end: 0 };
    return err([
      errorDiagnostic('missing-key', 'the file has no `services`', { span, hint: 'name a compose file' }),
    ]);
  }
  const notes: (Required<Note> & { readonly offset: number })[] = [];
  const file = composeFile(root, services, kindOf, (about, at, text) => {
    const offset = offsetOf(at) ?? 0;
    notes.push({ line: read.value.lineOf(offset), about, text, offset });
  });
  tellVariables(root, file);
  const items = entriesOf(root).flatMap((part) => convertSection(part, file));
  if (file.madeConfigs.size > 0 && valueOf(root, 'configs') === undefined) {
    items.push(entry('configs', mapLike(null, madeSources(file))));
  }
  // The head of the file often stands at what krun.yaml does not have.
  const head = entriesOf(root)[0];
  const first = items[0];
  if (head && first && keyOf(head) === 'version') withComments(head.key, first.key);
  document.contents = mapLike(root, items) as never;
  const inOrder = notes
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ line, about, text }) => ({ line, about, text }));
  return ok({
    yaml: document.toString({ lineWidth: 0, flowCollectionPadding: false }),
    notes: [...inOrder, ...toMake(file)],
  });
}

function composeFile(
  root: YAMLMap,
  services: YAMLMap,
  kindOf: (path: string) => FileKind,
  note: ComposeFile['note'],
): ComposeFile {
  const containers = entriesOf(services).flatMap((service) => {
    const { value } = service;
    return isMap(value) && valueOf(value, 'provider') === undefined ? [[keyOf(service), value] as const] : [];
  });
  const namesOf = (key: string): Names => new Names(entriesOf(valueOf(root, key)).map(keyOf));
  return {
    services: new Map(containers),
    names: {
      machines: new Names(containers.map(([name]) => name)),
      networks: namesOf('networks'),
      secrets: namesOf('secrets'),
      configs: namesOf('configs'),
    },
    tasks: new Set(containers.flatMap(([, service]) => completedBefore(service))),
    kindOf,
    madeConfigs: new Map(),
    told: new Set(),
    missingDirectories: new Set(),
    note,
  };
}

function completedBefore(service: YAMLMap): readonly string[] {
  return entriesOf(valueOf(service, 'depends_on'))
    .filter((need) => textOf(valueOf(need.value, 'condition')) === 'service_completed_successfully')
    .map(keyOf);
}

function convertSection(part: Entry, file: ComposeFile): readonly Entry[] {
  switch (keyOf(part)) {
    case 'name':
      return [part];
    case 'version':
      return [];
    case 'services':
      return [
        renamed(
          part,
          'machines',
          mapLike(
            part.value,
            entriesOf(part.value).flatMap((one) => convertService(one, file)),
          ),
        ),
      ];
    case 'networks':
      return convertNetworks(part, file);
    case 'secrets':
    case 'configs':
      return convertSources(part, keyOf(part) as 'secrets' | 'configs', file);
    case 'volumes':
      tellVolumes(part, file);
      return [];
    case 'include':
      for (const item of itemsOf(part.value)) {
        const included = isMap(item) ? textsOf(valueOf(item, 'path')) : textsOf(item);
        file.note('include', item ?? part.key, `convert ${included.join(', ')} too, and name what it became`);
      }
      return [part];
    default:
      if (keyOf(part).startsWith('x-')) return [part];
      file.note(keyOf(part), part.key, 'krun.yaml has no such section');
      return [];
  }
}

function convertService(original: Entry, file: ComposeFile): readonly Entry[] {
  const name = keyOf(original);
  const map = file.services.get(name);
  if (map === undefined) {
    const text = 'it is not a container: another program provides it';
    if (!name.startsWith('x-')) file.note(`services.${name}`, original.key, text);
    return name.startsWith('x-') ? [original] : [];
  }
  const machine = file.names.machines.of(name);
  const service: Service = { file, name, machine, map, key: original.key };
  if (machine !== name) file.note(`services.${name}`, original.key, `its machine is named ${machine}`);
  const items = [
    ...(file.tasks.has(name) ? [entry('kind', 'task')] : []),
    ...rootWithoutImage(service),
    ...entriesOf(map).flatMap((part) => convertKey(part, service)),
  ];
  return [renamed(original, machine, mapLike(map, items))];
}

function convertKey(part: Entry, service: Service): readonly Entry[] {
  const key = keyOf(part);
  if (key.startsWith('x-')) return [part];
  const convert = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  if (convert) return convert(part, service);
  const reason = Object.hasOwn(LOST_KEYS, key) ? LOST_KEYS[key] : undefined;
  service.file.note(`services.${service.name}.${key}`, part.key, reason ?? 'krun.yaml has no such key');
  return [];
}

/** What named volumes say of themselves is about drivers. */
function tellVolumes(volumes: Entry, file: ComposeFile): void {
  for (const volume of entriesOf(volumes.value)) {
    for (const part of entriesOf(volume.value)) {
      if (keyOf(part).startsWith('x-')) continue;
      const text = 'a named volume becomes a directory beside krun.yaml, which has no options';
      file.note(`volumes.${keyOf(volume)}.${keyOf(part)}`, part.key, text);
    }
  }
}

/** compose takes a variable that is not set for an empty text. */
function tellVariables(root: Node, file: ComposeFile): void {
  const seen = new Set<string>();
  visit(root, {
    Scalar(_key, scalar) {
      const { problems } = expandTemplate(textOf(scalar) ?? '', () => undefined);
      for (const { kind, name } of problems) {
        if (kind !== 'unset' || name === undefined || seen.has(name)) continue;
        seen.add(name);
        const text = 'when it is not set, it is empty for compose and a mistake for krun';
        file.note(`\${${name}}`, scalar, `${text}: set it, or write \${${name}:-}`);
      }
    },
  });
}

function toMake({ missingDirectories }: ComposeFile): readonly Note[] {
  if (missingDirectories.size === 0) return [];
  const directories = [...missingDirectories].map((one) => (/^[\w./~-]+$/.test(one) ? one : `'${one}'`));
  return [
    { about: 'directories', text: `krun does not make what it shares: mkdir -p ${directories.join(' ')}` },
  ];
}
