import { isMap, isSeq, Scalar, type Node } from 'yaml';
import { hasWords } from './compose-root.ts';
import { checksSomething } from './compose-resources.ts';
import { type KeyConverter, noteService, type Service } from './compose-service.ts';
import { mountTargets } from './compose-volumes.ts';
import {
  entriesOf,
  flowMap,
  itemsOf,
  keyOf,
  listLike,
  mapLike,
  renamed,
  textOf,
  type Entry,
  valueOf,
} from './yaml-nodes.ts';

/** Commands and entrypoints; nothing stands for that of the image. */
export const convertWords: KeyConverter = (original) => {
  if (!hasWords(original.value)) return [];
  const words = itemsOf(original.value).map((item) => {
    const text = textOf(item) ?? '';
    const isText = typeof (item as Scalar | null)?.value === 'string';
    return isText ? item : new Scalar(text);
  });
  return [
    isSeq(original.value) ? renamed(original, keyOf(original), listLike(original.value, words)) : original,
  ];
};

/** A value that may be nothing in compose; krun.yaml then leaves out the key. */
export const convertUnlessEmpty: KeyConverter = (original) => (hasWords(original.value) ? [original] : []);

/** What starts first, and how far. */
export const convertDependencies: KeyConverter = (original, service) => {
  const { machines } = service.file.names;
  const isThere = (name: string): boolean => {
    if (service.file.services.has(name)) return true;
    noteService(service, original, `there is no machine for service ${name}`);
    return false;
  };
  if (isSeq(original.value)) {
    const names = itemsOf(original.value).flatMap((item) => {
      const name = textOf(item) ?? '';
      return isThere(name) ? [new Scalar(machines.of(name))] : [];
    });
    return names.length === 0 ? [] : [renamed(original, 'depends_on', listLike(original.value, names))];
  }
  const items = entriesOf(original.value).flatMap((need) => {
    const name = keyOf(need);
    return isThere(name) ? [renamed(need, machines.of(name), dependency(need, original, service))] : [];
  });
  return items.length === 0 ? [] : [renamed(original, 'depends_on', mapLike(original.value, items))];
};

function dependency(need: Entry, original: Entry, service: Service): Node | null {
  const condition = textOf(valueOf(need.value, 'condition'));
  const other = service.file.services.get(keyOf(need));
  const isUnknown = condition === 'service_healthy' && !checksSomething(valueOf(other, 'healthcheck'));
  const isOfImage = isUnknown && valueOf(other, 'extends') === undefined;
  if (isOfImage) {
    const text = `write the \`healthcheck\` of the image into machine ${service.file.names.machines.of(keyOf(need))}; until then it counts as healthy when it is started`;
    noteService(service, original, text, `.${keyOf(need)}`);
  }
  const items = entriesOf(need.value).flatMap((part): Entry[] => {
    const key = keyOf(part);
    if (key === 'condition' && isOfImage) return [renamed(part, 'condition', new Scalar('service_started'))];
    return [part];
  });
  return items.length === 0 ? flowMap({ condition: 'service_started' }) : mapLike(need.value, items);
}

/** `extends` names a machine, of this file or of another that is krun's as well. */
export const convertExtends: KeyConverter = (original, service) => {
  const { machines } = service.file.names;
  if (!isMap(original.value)) {
    return [renamed(original, 'extends', new Scalar(machines.of(textOf(original.value) ?? '')))];
  }
  const items = entriesOf(original.value).flatMap((part): Entry[] => {
    if (keyOf(part) === 'service') {
      return [renamed(part, 'machine', new Scalar(machines.of(textOf(part.value) ?? '')))];
    }
    if (keyOf(part) === 'file') {
      noteService(service, original, `convert ${textOf(part.value)} too, and name what it became`, '.file');
    }
    return [part];
  });
  return [renamed(original, 'extends', mapLike(original.value, items))];
};

const RULE_KEYS: ReadonlySet<string> = new Set(
  'path action target ignore include initial_sync exec'.split(' '),
);
const EXEC_KEYS: ReadonlySet<string> = new Set('command user working_dir environment'.split(' '));

/** Rules of watch mode are compose's. */
export const convertDevelop: KeyConverter = (original, service) => {
  const watch = entriesOf(original.value).find((part) => keyOf(part) === 'watch');
  const rules = itemsOf(watch?.value).flatMap((rule, index) => watchRule({ rule, index }, original, service));
  if (!watch || rules.length === 0) return [];
  const list = renamed(watch, 'watch', listLike(watch.value, rules));
  return [renamed(original, 'develop', mapLike(original.value, [list]))];
};

function watchRule(
  { rule, index }: { readonly rule: Node | null; readonly index: number },
  original: Entry,
  service: Service,
): readonly Node[] {
  const target = textOf(valueOf(rule, 'target'));
  const action = textOf(valueOf(rule, 'action')) ?? '';
  const mount = mountTargets(service).find((one) => target === one || target?.startsWith(`${one}/`));
  const isShared = action.startsWith('sync') && mount !== undefined;
  const rest = action.replace(/^sync\+?/, '');
  if (isShared) {
    const text = `the guest sees changes of ${mount} without a copy: the host shares it`;
    noteService(service, original, text, `.watch[${index}].action`);
    if (rest === '') return [];
  }
  const items = entriesOf(rule).flatMap((part): Entry[] => {
    const key = keyOf(part);
    const about = `.watch[${index}].${key}`;
    if (isShared && key === 'action') return [renamed(part, 'action', new Scalar(rest))];
    if (isShared && (key === 'target' || key === 'initial_sync')) return [];
    if (key === 'exec') return [renamed(part, 'exec', watchExec(part, original, service, about))];
    if (RULE_KEYS.has(key) || key.startsWith('x-')) return [part];
    noteService(service, original, 'krun has no such key of a rule', about);
    return [];
  });
  return [mapLike(rule, items)];
}

function watchExec(exec: Entry, original: Entry, service: Service, about: string): Node | null {
  if (!isMap(exec.value)) return exec.value;
  const items = entriesOf(exec.value).filter((part) => {
    const isKnown = EXEC_KEYS.has(keyOf(part)) || keyOf(part).startsWith('x-');
    if (!isKnown)
      noteService(service, original, 'root may do everything in a machine', `${about}.${keyOf(part)}`);
    return isKnown;
  });
  return mapLike(exec.value, items);
}
