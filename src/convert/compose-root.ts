import { isScalar, Scalar, type Node } from 'yaml';
import { type KeyConverter, noteOnce, noteService, type Service, serviceValue } from './compose-service.ts';
import {
  entriesOf,
  entry,
  flowList,
  flowMap,
  isTrue,
  itemsOf,
  keyOf,
  listLike,
  mapLike,
  renamed,
  textOf,
  textsOf,
  type Entry,
  valueOf,
} from './yaml-nodes.ts';

/** Where the roots of converted services are made, beside krun.yaml. */
export const ROOTS = 'rootfs';

const UNKNOWN =
  '`build` unpacks it with docker, and the files belong to you then; what an image says of ENV, WORKDIR, USER, ' +
  'ENTRYPOINT and CMD is not carried over: write what the command needs';

/** `image:` becomes a directory that `build` unpacks it into. */
export const convertImage: KeyConverter = (original, service) => {
  if (serviceValue(service, 'build') !== undefined) return [];
  const image = textOf(original.value) ?? '';
  const platform = textOf(serviceValue(service, 'platform'));
  const options = platform === undefined ? '' : ' --platform "$$2"';
  const pipe = `echo "FROM $$1" | docker build${options} --output type=local,dest=${rootOf(service)} -`;
  // As words of their own, because nothing in them, or in variables that they name, is to be part of a script.
  const words = platform === undefined ? [image] : [image, platform];
  noteOnce(service, original, UNKNOWN);
  const build = mapLike(null, [entry('command', flowList(['/bin/sh', '-c', pipe, 'build', ...words]))]);
  return [rootEntry(original, service), entry('build', build), ...missingCommand(service, `image ${image}`)];
};

/** `build:` becomes the command that builds the image into a directory. */
export const convertBuild: KeyConverter = (original, service) => {
  const long = original.value;
  const context = isScalar(long) ? textOf(long) : textOf(valueOf(long, 'context'));
  const directory = context ?? '.';
  noteOnce(service, original, UNKNOWN);
  for (const part of entriesOf(long)) {
    if (!BUILD_KEYS.has(keyOf(part))) {
      noteService(
        service,
        original,
        'write it as an option of docker build into `command`',
        `.${keyOf(part)}`,
      );
    }
  }
  const command = ['docker', 'build', '--output', `type=local,dest=${rootOf(service)}`];
  const file = dockerfileOf(long, directory);
  if (file !== undefined) command.push('--file', file);
  const target = textOf(valueOf(long, 'target'));
  if (target !== undefined) command.push('--target', target);
  const platform = textOf(serviceValue(service, 'platform'));
  if (platform !== undefined) command.push('--platform', platform);
  if (isTrue(valueOf(long, 'no_cache'))) command.push('--no-cache');
  if (isTrue(valueOf(long, 'pull'))) command.push('--pull');
  for (const argument of buildArguments(valueOf(long, 'args'))) command.push('--build-arg', argument);
  command.push(directory);
  const items = [
    entry(
      'command',
      listLike(
        null,
        command.map((word) => new Scalar(word)),
      ),
    ),
    ...inputsOf(service, original, { directory, file }),
  ];
  return [
    rootEntry(original, service),
    entry('build', mapLike(null, items)),
    ...missingCommand(service, 'the image that is built'),
  ];
};

const BUILD_KEYS: ReadonlySet<string> = new Set([
  'context',
  'dockerfile',
  'target',
  'args',
  'no_cache',
  'pull',
  'tags',
  'labels',
]);

/** A root where the service names neither an image nor a build, and takes over no other service. */
export function rootWithoutImage(service: Service): readonly Entry[] {
  const keys = ['image', 'build', 'extends'];
  if (keys.some((key) => serviceValue(service, key) !== undefined)) return [];
  service.file.note(
    `services.${service.name}`,
    service.key,
    `it has no image: put its root file system into ${rootOf(service)}`,
  );
  service.file.missingDirectories.add(rootOf(service));
  return [entry('root', `./${rootOf(service)}`), ...missingCommand(service, 'an unknown image')];
}

function rootOf(service: Service): string {
  return `${ROOTS}/${service.machine}`;
}

function rootEntry(original: Entry, service: Service): Entry {
  const path = `./${rootOf(service)}`;
  const isReadOnly = isTrue(serviceValue(service, 'read_only'));
  return renamed(original, 'root', isReadOnly ? flowMap({ path, readonly: true }) : new Scalar(path));
}

/** A machine has a command, and only the image knows it. */
function missingCommand(service: Service, whose: string): readonly Entry[] {
  const keys = ['command', 'entrypoint', 'extends'];
  if (keys.some((key) => hasWords(serviceValue(service, key)))) return [];
  service.file.note(
    `services.${service.name}`,
    service.key,
    `its command is that of ${whose} (docker image inspect shows it): write it into \`command\``,
  );
  const script = `echo 'krun.yaml lacks the command of machine ${service.machine}' >&2; exit 64`;
  return [entry('command', flowList(['/bin/sh', '-c', script]))];
}

/** Whether a value is more than nothing, an empty text or an empty list. */
export function hasWords(node: Node | null | undefined): boolean {
  if (node === undefined || node === null) return false;
  if (isScalar(node)) return (textOf(node) ?? '').trim() !== '';
  return itemsOf(node).length > 0 || entriesOf(node).length > 0;
}

function dockerfileOf(long: Node | null, context: string): string | undefined {
  const file = textOf(valueOf(long, 'dockerfile'));
  if (file === undefined) return undefined;
  return file.startsWith('/') || context === '.' ? file : `${context.replace(/\/$/, '')}/${file}`;
}

function buildArguments(node: Node | null | undefined): readonly string[] {
  const named = entriesOf(node).map((one) => {
    const value = textOf(one.value);
    return value === undefined ? keyOf(one) : `${keyOf(one)}=${value}`;
  });
  return [...named, ...itemsOf(node).flatMap((item) => textsOf(item))];
}

/** What a change of makes the root anew. A context that holds the roots would change with each build. */
function inputsOf(
  service: Service,
  original: Entry,
  { directory, file }: { readonly directory: string; readonly file: string | undefined },
): readonly Entry[] {
  if (/^[a-z]+:\/\/|^git@/.test(directory)) return [];
  if (!/^(\.\/?|\.\.\/?.*)$/.test(directory)) return [entry('inputs', flowList([directory]))];
  const dockerfile = file ?? `${directory.replace(/\/$/, '')}/Dockerfile`;
  noteService(
    service,
    original,
    `name the files that the image is made from under \`inputs\`, and ${ROOTS} in .dockerignore: the context holds it`,
  );
  return [entry('inputs', flowList([dockerfile.replace(/^\.\//, '')]))];
}
