import { isMap, Scalar, type Node } from 'yaml';
import { type KeyConverter, noteService, type Service, serviceValue } from './compose-service.ts';
import {
  entriesOf,
  entry,
  isTrue,
  itemsOf,
  keyOf,
  mapLike,
  renamed,
  textOf,
  type Entry,
  valueOf,
} from './yaml-nodes.ts';

const ONE_FOR_EACH = 'write one machine for each copy; `extends` keeps them short';

/** `cpus` and `cpu_count`: a machine has whole processors. */
export const convertCpus: KeyConverter = (original, service) => {
  if (keyOf(original) === 'cpu_count' && serviceValue(service, 'cpus') !== undefined) return [];
  return [renamed(original, 'cpus', wholeCpus(original, service, original.value))];
};

function wholeCpus(original: Entry, service: Service, node: Node | null): Node | null {
  const text = textOf(node) ?? '';
  const count = Number(text);
  if (text.includes('$') || (Number.isInteger(count) && count > 0)) return node;
  const whole = Math.max(1, Math.ceil(Number.isFinite(count) ? count : 1));
  noteService(service, original, `a machine has whole processors: ${text} becomes ${whole}`);
  return new Scalar(whole);
}

/** `mem_limit` is the memory of the machine. */
export const convertMemory: KeyConverter = (original) => [
  renamed(original, 'memory', sizeWithUnit(original.value)),
];

/** Compose takes a bare number for bytes. */
export function sizeWithUnit(node: Node | null): Node | null {
  const text = textOf(node) ?? '';
  return /^\d+$/.test(text) ? new Scalar(`${text}B`) : node;
}

/** `deploy:` holds limits, the restart policy and the number of copies; the rest is for a swarm. */
export const convertDeploy: KeyConverter = (original, service) =>
  entriesOf(original.value).flatMap((part): readonly Entry[] => {
    switch (keyOf(part)) {
      case 'resources':
        return convertResources(original, part.value, service);
      case 'restart_policy':
        return convertRestartPolicy(original, part.value, service);
      case 'replicas':
        if (textOf(part.value) !== '1') noteService(service, original, ONE_FOR_EACH, '.replicas');
        return [];
      default:
        noteService(service, original, 'it is for a swarm of hosts', `.${keyOf(part)}`);
        return [];
    }
  });

function convertResources(original: Entry, resources: Node | null, service: Service): readonly Entry[] {
  const limits = valueOf(resources, 'limits');
  for (const part of entriesOf(limits)) {
    if (!['cpus', 'memory'].includes(keyOf(part))) {
      const about = `.resources.limits.${keyOf(part)}`;
      noteService(service, original, '`cpus` and `memory` are the limits of a machine', about);
    }
  }
  if (valueOf(resources, 'reservations') !== undefined) {
    const text = 'a machine takes what it needs up to its limits, and no devices of the host';
    noteService(service, original, text, '.resources.reservations');
  }
  const cpus = valueOf(limits, 'cpus');
  const memory = valueOf(limits, 'memory');
  const hasCpus = ['cpus', 'cpu_count'].some((key) => serviceValue(service, key) !== undefined);
  const hasMemory = serviceValue(service, 'mem_limit') !== undefined;
  return [
    ...(cpus && !hasCpus ? [renamed(original, 'cpus', wholeCpus(original, service, cpus))] : []),
    ...(memory && !hasMemory ? [entry('memory', sizeWithUnit(memory))] : []),
  ];
}

function convertRestartPolicy(original: Entry, policy: Node | null, service: Service): readonly Entry[] {
  if (serviceValue(service, 'restart') !== undefined) return [];
  for (const key of ['delay', 'window']) {
    if (valueOf(policy, key) !== undefined) {
      const text = 'krun waits longer before each further start';
      noteService(service, original, text, `.restart_policy.${key}`);
    }
  }
  const condition = textOf(valueOf(policy, 'condition')) ?? 'any';
  const attempts = textOf(valueOf(policy, 'max_attempts'));
  if (condition === 'none') return [entry('restart', 'no')];
  if (condition !== 'on-failure') return [entry('restart', 'always')];
  return [entry('restart', attempts === undefined ? 'on-failure' : `on-failure:${attempts}`)];
}

const LIMITS: ReadonlySet<string> = new Set(
  'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(
    ' ',
  ),
);

/** `ulimits` are `rlimits` by the same names. */
export const convertUlimits: KeyConverter = (original, service) => {
  const items = entriesOf(original.value).filter((part) => {
    const isKnown = LIMITS.has(keyOf(part)) || keyOf(part).startsWith('x-');
    if (!isKnown) noteService(service, original, 'there is no such limit', `.${keyOf(part)}`);
    return isKnown;
  });
  return items.length === 0 ? [] : [renamed(original, 'rlimits', mapLike(original.value, items))];
};

/** Of the logging drivers krun has one, which writes files and turns them over. */
export const convertLogging: KeyConverter = (original, service) => {
  const driver = textOf(valueOf(original.value, 'driver')) ?? 'json-file';
  if (!['json-file', 'local'].includes(driver)) {
    noteService(service, original, `krun writes logs to files itself, and has no driver ${driver}`);
    return [];
  }
  const items = entriesOf(valueOf(original.value, 'options')).flatMap((part): Entry[] => {
    if (keyOf(part) === 'max-size') return [renamed(part, 'max_size', sizeWithUnit(part.value))];
    if (keyOf(part) === 'max-file') return [renamed(part, 'max_files', numberOf(part.value))];
    noteService(service, original, 'krun has no such option of logs', `.options.${keyOf(part)}`);
    return [];
  });
  return items.length === 0 ? [] : [renamed(original, 'logs', mapLike(original.value, items))];
};

/** Compose wants options of drivers as text. */
function numberOf(node: Node | null): Node | null {
  const text = textOf(node) ?? '';
  return /^\d+$/.test(text) ? new Scalar(Number(text)) : node;
}

const CHECK_KEYS: ReadonlySet<string> = new Set(
  'test interval timeout retries start_period start_interval disable'.split(' '),
);

/** Health checks are compose's, but one must say what it checks, and nothing stands for the usual times. */
export const convertHealthcheck: KeyConverter = (original, service) => {
  if (!isMap(original.value)) return [];
  if (!checksSomething(original.value)) {
    const isOff = isTrue(valueOf(original.value, 'disable')) || isNone(valueOf(original.value, 'test'));
    const text = 'it changes the health check of the image, which krun does not know: write its `test`';
    if (!isOff) noteService(service, original, text);
    return [];
  }
  const items = entriesOf(original.value).filter((part) => {
    const key = keyOf(part);
    const isUsual = key !== 'start_period' && /^0+[a-z]*$/.test(textOf(part.value) ?? '');
    if (!CHECK_KEYS.has(key) && !key.startsWith('x-')) {
      noteService(service, original, 'krun has no such key of a health check', `.${key}`);
      return false;
    }
    return !isUsual;
  });
  return [renamed(original, 'healthcheck', mapLike(original.value, items))];
};

/** Whether a health check of compose is one for krun. */
export function checksSomething(check: Node | null | undefined): boolean {
  const test = valueOf(check, 'test');
  if (test === undefined || isTrue(valueOf(check, 'disable')) || isNone(test)) return false;
  return itemsOf(test).length > 0 || (textOf(test) ?? '') !== '';
}

function isNone(test: Node | null | undefined): boolean {
  return textOf(itemsOf(test)[0]) === 'NONE' || textOf(test) === 'NONE';
}
