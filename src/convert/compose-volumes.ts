import { isMap, isScalar, Scalar, type Node } from 'yaml';
import { type KeyConverter, noteService, type Service, serviceValue } from './compose-service.ts';
import {
  entriesOf,
  entry,
  flowMap,
  isTrue,
  itemsOf,
  keyOf,
  listLike,
  renamed,
  textOf,
  type Entry,
  valueOf,
  withComments,
} from './yaml-nodes.ts';

/** Where the contents of named volumes are kept, beside krun.yaml. */
const VOLUMES = 'volumes';

/** One mount of compose, both forms alike. */
interface Mount {
  readonly type: 'bind' | 'volume' | 'other';
  /** Path on the host, or name of a volume. */
  readonly source: string | undefined;
  readonly target: string;
  readonly isReadOnly: boolean;
}

/** Where in the guest a service has mounts. */
export function mountTargets(service: Service): readonly string[] {
  return itemsOf(serviceValue(service, 'volumes')).flatMap(
    (item) => mountOf(item, () => undefined)?.target ?? [],
  );
}

/** Directories become shares, single files configs, named volumes directories beside krun.yaml. */
export const convertVolumes: KeyConverter = (original, service) => {
  const shares: (Node | null)[] = [];
  const grants: Node[] = [];
  itemsOf(original.value).forEach((item, index) => {
    const tell = (text: string): void => noteService(service, original, text, `[${index}]`);
    const mount = mountOf(item, tell);
    if (!mount) return;
    const made = convertMount(mount, service, tell);
    if (made?.share !== undefined) shares.push(withComments(item, made.share));
    if (made?.config !== undefined) grants.push(grant(made.config, mount.target));
  });
  return [
    ...(shares.length === 0 ? [] : [renamed(original, 'shares', listLike(original.value, shares))]),
    // A service with configs of its own gets these among them.
    ...(grants.length === 0 || serviceValue(service, 'configs') !== undefined
      ? []
      : [entry('configs', listLike(null, grants))]),
  ];
};

/** The configs that the mounts of a service's files become. */
export function fileGrants(service: Service): readonly Node[] {
  return itemsOf(serviceValue(service, 'volumes')).flatMap((item) => {
    const mount = mountOf(item, () => undefined);
    if (!mount || !isFile(mount, service)) return [];
    return [grant(configName(mount, service), mount.target)];
  });
}

function convertMount(
  mount: Mount,
  service: Service,
  tell: (text: string) => void,
): { readonly share?: Node; readonly config?: string } | undefined {
  const { source, target, isReadOnly } = mount;
  const mode = isReadOnly ? ':ro' : '';
  if (mount.type === 'volume') {
    const directory = `${VOLUMES}/${source === undefined ? anonymous(service, target) : source}`;
    service.file.missingDirectories.add(directory);
    tell(
      `it becomes the directory ./${directory}: make it. A disk keeps owners and is faster: write it under ` +
        `\`disks\` and mount it at ${target} in the command`,
    );
    return { share: new Scalar(`./${directory}:${target}${mode}`) };
  }
  if (source === undefined) return undefined;
  const kind = source.includes('$') ? 'directory' : service.file.kindOf(source);
  if (kind === 'other') {
    tell(`${source} is neither a directory nor a file, and cannot be shared with a machine`);
    return undefined;
  }
  if (isFile(mount, service)) {
    const name = configName(mount, service);
    service.file.madeConfigs.set(name, source);
    const copied = 'a single file becomes a config: the guest gets a copy at each start';
    tell(isReadOnly ? copied : `${copied}, and what it writes to it stays there`);
    return { config: name };
  }
  if (kind === 'missing') service.file.missingDirectories.add(source);
  // Its short form has one colon, before an absolute path.
  const isShort = !source.includes(':') && target.startsWith('/') && !target.includes(':');
  if (isShort) return { share: new Scalar(`${source}:${target}${mode}`) };
  return { share: flowMap({ source, target, ...(isReadOnly ? { readonly: true } : {}) }) };
}

function isFile({ type, source }: Mount, service: Service): boolean {
  if (type !== 'bind' || source === undefined || source.includes('$')) return false;
  return service.file.kindOf(source) === 'file';
}

function configName({ target }: Mount, service: Service): string {
  const base = target.split('/').at(-1) ?? 'file';
  return `${service.machine}-${base.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`.slice(0, 63);
}

function grant(source: string, target: string): Node {
  return flowMap({ source, target });
}

function anonymous(service: Service, target: string): string {
  return `${service.machine}${target.replaceAll(/[^A-Za-z0-9]+/g, '-').toLowerCase()}`;
}

function mountOf(item: Node | null, tell: (text: string) => void): Mount | undefined {
  if (isMap(item)) return longMount(item, tell);
  const text = isScalar(item) ? textOf(item) : undefined;
  if (text === undefined) return undefined;
  const [first = '', second, options] = splitOutsideVariables(text);
  if (second === undefined) return { type: 'volume', source: undefined, target: first, isReadOnly: false };
  const isReadOnly = (options ?? '').split(',').includes('ro');
  const isPath = /^[./~$]/.test(first);
  return { type: isPath ? 'bind' : 'volume', source: first, target: second, isReadOnly };
}

function longMount(item: Node, tell: (text: string) => void): Mount | undefined {
  const type = textOf(valueOf(item, 'type')) ?? 'volume';
  const target = textOf(valueOf(item, 'target')) ?? '';
  if (type !== 'bind' && type !== 'volume') {
    const hint =
      type === 'tmpfs' ? `mount it in the command: \`mount -t tmpfs tmpfs ${target}\`` : 'left out';
    tell(`krun has no mounts of the type ${type}: ${hint}`);
    return undefined;
  }
  for (const part of entriesOf(item)) if (!MOUNT_KEYS.has(keyOf(part))) tellOptions(part, tell);
  return {
    type,
    source: textOf(valueOf(item, 'source')),
    target,
    isReadOnly: isTrue(valueOf(item, 'read_only')),
  };
}

const MOUNT_KEYS: ReadonlySet<string> = new Set(['type', 'source', 'target', 'read_only', 'consistency']);

function tellOptions(part: Entry, tell: (text: string) => void): void {
  const key = keyOf(part);
  for (const option of entriesOf(part.value)) {
    // krun makes no directories, and copies nothing into them: those are told with the mount.
    if (['create_host_path', 'selinux', 'nocopy'].includes(keyOf(option))) continue;
    tell(`krun has no \`${key}.${keyOf(option)}\` of a mount`);
  }
}

/** Parts between colons, without those of `${NAME:-default}`. */
function splitOutsideVariables(text: string): readonly string[] {
  const parts = [''];
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (text.startsWith('${', index)) depth++;
    if (character === '}' && depth > 0) depth--;
    if (character === ':' && depth === 0) parts.push('');
    else parts.push(`${parts.pop() ?? ''}${character}`);
  }
  return parts;
}
