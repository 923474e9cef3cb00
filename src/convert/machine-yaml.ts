import { Document, Scalar, YAMLMap, YAMLSeq, type Node } from 'yaml';
import type { Conversion, Note } from './note.ts';
import { entry, flowMap, type Entry } from './yaml-nodes.ts';

type FlatMap = Readonly<Record<string, string | number | boolean>>;

/** One virtual machine as another program's command line describes it, in the words of krun.yaml. */
export interface MachineWish {
  /** The command line that it is from, for the head of the file. */
  readonly command: string;
  /** `log_level` of libkrun. */
  readonly logLevel?: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly nested: boolean;
  readonly boot: FlatMap;
  readonly disks: readonly FlatMap[];
  /** Each interface is on a network of its own, which somebody else carries or krun. */
  readonly networks: readonly NetworkWish[];
  readonly shares: readonly FlatMap[];
  readonly vsock: readonly FlatMap[];
  readonly consoleLog?: string;
  readonly oemStrings: readonly string[];
  readonly notes: readonly Note[];
}

/** An interface of a machine and the network behind it. */
export interface NetworkWish {
  readonly network: FlatMap;
  readonly mac?: string;
}

/** krun.yaml with one machine, `vm`; what it does not say is in its head and in the notes. */
export function machineYaml(wish: MachineWish): Conversion {
  const vm = block([
    entry('cpus', wish.cpus),
    entry('memory', `${wish.memoryMiB}MiB`),
    ...(wish.nested ? [entry('nested', true)] : []),
    entry('boot', literal(wish.boot)),
    ...list('disks', wish.disks.map(literal)),
    ...list('shares', wish.shares.map(literal)),
    attachments(wish.networks),
    ...list('vsock', wish.vsock.map(literal)),
    ...(wish.consoleLog === undefined ? [] : [entry('console', literal({ log: wish.consoleLog }))]),
    ...(wish.oemStrings.length === 0
      ? []
      : [
          entry(
            'smbios',
            block(
              list(
                'oem_strings',
                wish.oemStrings.map((text) => new Scalar(escaped(text))),
              ),
            ),
          ),
        ]),
  ]);
  const document = new Document(
    block([
      ...(wish.logLevel === undefined ? [] : [entry('libkrun', literal({ log_level: wish.logLevel }))]),
      entry('machines', block([entry('vm', vm)])),
      ...networks(wish.networks),
    ]),
  );
  document.commentBefore = head(wish);
  return { yaml: document.toString({ lineWidth: 0, flowCollectionPadding: false }), notes: wish.notes };
}

function head({ command, notes }: MachineWish): string {
  const lines = [`Made by krun convert from: ${command}`];
  for (const { about, text } of notes) lines.push('', `${about}:`, `  ${text}`);
  return lines.map((line) => (line === '' ? '' : ` ${printable(line)}`)).join('\n');
}

/** What stands in a comment ends with its line. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ');
}

/** Without an interface a machine of a command line has no network; krun.yaml has to say so. */
function attachments(wishes: readonly NetworkWish[]): Entry {
  if (wishes.length === 0) {
    const none = new YAMLSeq();
    none.flow = true;
    return entry('networks', none);
  }
  return entry(
    'networks',
    block(wishes.map(({ mac }, index) => entry(nameOf(index), mac === undefined ? null : literal({ mac })))),
  );
}

function networks(wishes: readonly NetworkWish[]): readonly Entry[] {
  const entries = wishes.map(({ network }, index) => entry(nameOf(index), literal(network)));
  return entries.length === 0 ? [] : [entry('networks', block(entries))];
}

function nameOf(index: number): string {
  return `net${index}`;
}

/** A map of texts that mean what they say: nothing in them is a variable of krun.yaml. */
function literal(map: FlatMap): YAMLMap {
  const entries = Object.entries(map);
  return flowMap(
    Object.fromEntries(
      entries.map(([key, value]) => [key, typeof value === 'string' ? escaped(value) : value]),
    ),
  );
}

function escaped(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function block(items: readonly Entry[]): YAMLMap {
  const map = new YAMLMap<Scalar, Node | null>();
  map.items = [...items];
  return map;
}

function list(key: string, items: readonly Node[]): readonly Entry[] {
  if (items.length === 0) return [];
  const nodes = new YAMLSeq<Node>();
  nodes.items = [...items];
  return [entry(key, nodes)];
}
