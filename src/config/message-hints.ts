import { nearest, quotedList } from '../base/text.ts';
import { SIGNAL_NAMES } from '../project/signals.ts';
import { formatSize, MEBIBYTE } from '../project/units.ts';
import type { SchemaError } from './validate.gen.js';
import { placeOf, takesText, type SchemaNode } from './value-words.ts';

/** What to write instead of a value of the wrong kind, where its text or its kind says it. */
export function hintForType(
  error: SchemaError,
  schema: SchemaNode,
  written: string | undefined,
): string | undefined {
  const { data, instancePath } = error;
  const types = [schema.type ?? []].flat();
  const shape = SHAPES[placeOf(instancePath)];
  if (shape !== undefined) return shape;
  if (typeof data === 'number') {
    const advice = Number.isFinite(data) ? hintForNumber(data, error, schema) : undefined;
    const text = written ?? String(data);
    return advice ?? (takesText(schema, text) ? `put it in quotes: "${text}"` : undefined);
  }
  if (typeof data === 'boolean') return hintForBoolean(data, schema, instancePath);
  if (typeof data === 'string' && types.includes('array')) return `write a list: \`[${quoteItem(data)}]\``;
  if (Array.isArray(data)) return hintForList(data, types, schema);
  if (isMapping(data) && types.includes('array')) return 'start each item with `- `';
  return types.includes('object') ? keysOf(schema) : undefined;
}

function hintForList(
  data: readonly unknown[],
  types: readonly string[],
  schema: SchemaNode,
): string | undefined {
  const [only] = data;
  if (data.length === 1 && typeof only === 'string' && types.includes('string')) {
    return `write \`${only}\`, not as a list`;
  }
  return types.includes('object') ? keysOf(schema) : undefined;
}

function keysOf(schema: SchemaNode): string {
  const keys = Object.keys(schema.properties ?? {});
  if (keys.length === 0 || keys.length > 12) return 'write `key: value` lines, one level deeper';
  return `write \`key: value\` lines; the keys are ${quotedList(keys, 'and')}`;
}

const named = (what: string): string => `write each ${what} as \`NAME:\` with its keys below it`;

/** Where one advice fits every value of the wrong kind. */
const SHAPES: Readonly<Record<string, string>> = {
  machines: named('machine'),
  disks: named('disk'),
  networks: named('network'),
  'machines.*': 'write at least `root: ./rootfs`, one level deeper',
  'machines.*.rlimits': 'write limits by their names: `rlimits: { nofile: 1024 }`',
  'machines.*.depends_on.*': 'write `{ condition: started }`, or `{ condition: completed_successfully }`',
  'machines.*.depends_on[]':
    'write a name; with conditions, write all of them as a map: `NAME: { condition: started }`',
  'machines.*.environment[]': 'write `- NAME=value`, or write all of them as a map, without `- `',
  secrets: named('secret'),
  configs: named('config'),
  'machines.*.healthcheck': 'write what to check, such as `healthcheck: { tcp: 80 }`',
  'machines.*.develop': 'write a list of rules below it: `develop: { watch: [...] }`',
  'machines.*.develop.watch[]': 'write `{ path: ./src, action: sync, target: /app }`',
  'secrets.*': 'write where it comes from, such as `{ file: ./secret.txt }`',
  'configs.*': 'write where it comes from, such as `{ file: ./app.conf }`',
  'disks.*': 'write at least `size: 10GiB`, one level deeper',
};

/** What to write instead of a text that is not of the right form. */
export function hintForText(error: SchemaError, schema: SchemaNode): string | undefined {
  const text = String(error.data);
  const rule = schema.patternErrorMessage;
  const place = placeOf(error.instancePath);
  if (place === 'name') return withSuggestion(rule ?? '', suggestName(text, schema.pattern));
  const types = [schema.type ?? []].flat();
  if (types.includes('boolean') && Object.hasOwn(YAML_1_1_BOOLEANS, text.toLowerCase())) {
    return `write \`${YAML_1_1_BOOLEANS[text.toLowerCase()]}\``;
  }
  const near = nearest(text, CHOICES[place] ?? []);
  if (near !== undefined) return `did you mean \`${near}\`?`;
  // A bare number from `${VARIABLE}` lacks its unit just as one in the file does.
  if (/^\d+$/.test(text)) return hintForNumber(Number(text), error, schema) ?? rule;
  return rule;
}

const YAML_1_1_BOOLEANS: Readonly<Record<string, boolean>> = {
  yes: true,
  on: true,
  y: true,
  1: true,
  no: false,
  off: false,
  n: false,
  0: false,
};

/** Texts whose pattern is a list of words. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  'machines.*.restart': ['no', 'always', 'unless-stopped', 'on-failure'],
  'machines.*.stop_signal': [...SIGNAL_NAMES, ...SIGNAL_NAMES.map((name) => name.replace('SIG', ''))],
};

function hintForNumber(value: number, error: SchemaError, schema: SchemaNode): string | undefined {
  const types = [schema.type ?? []].flat();
  if (schema.errorMessage?.includes('512MiB')) return `write \`${sizeText(value, error.instancePath)}\``;
  if (schema.errorMessage?.includes('10s')) return `write \`${value}s\``;
  if (types.includes('boolean')) return value === 0 || value === 1 ? `write \`${value === 1}\`` : undefined;
  return undefined;
}

/** A bare number of a mebibyte or more was meant as bytes, one below as the unit that is usual at the place. */
function sizeText(value: number, pointer: string): string {
  if (value >= MEBIBYTE && Number.isInteger(value))
    return formatSize(value).replace(' bytes', 'B').replace(' ', '');
  return `${value}${pointer.startsWith('/disks/') ? 'GiB' : 'MiB'}`;
}

function hintForBoolean(value: boolean, schema: SchemaNode, pointer: string): string | undefined {
  if (placeOf(pointer) === 'machines.*.restart') return `write \`restart: ${value ? 'always' : '"no"'}\``;
  return takesText(schema, String(value)) ? `put it in quotes: "${value}"` : undefined;
}

function quoteItem(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : JSON.stringify(text);
}

function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An example of what is missing at a place; `key` is the missing one, empty where the whole value is. */
export function hintForMissing(pointer: string, key: string): string {
  const place = [placeOf(pointer), key].filter((part) => part !== '').join('.');
  return EXAMPLES[place] ?? (key === '' ? 'write a value, or remove the key' : `add \`${key}: ...\``);
}

const MACHINES = 'add a machine: `machines: { web: { root: ./rootfs } }`';

const EXAMPLES: Readonly<Record<string, string>> = {
  machines: MACHINES,
  'machines.NAME': MACHINES,
  'machines.*': 'write at least `root: ./rootfs`, one level deeper',
  'machines.*.root': 'add `root: ./rootfs` (a directory) or `root: { disk: NAME }`',
  'machines.*.build.command': 'add `command: [./mkroot.sh]`',
  'machines.*.ports[].guest': 'add `guest: 80`, the port in the machine',
  'machines.*.shares[].source': 'add `source: ./directory`, the directory on the host',
  'machines.*.disks[].source': 'add `source: NAME` (a disk of this file) or `source: ./file.img`',
  'machines.*.secrets[].source': 'add `source: NAME`, a secret of this file',
  'machines.*.configs[].source': 'add `source: NAME`, a config of this file',
  'machines.*.develop.watch[].path': 'add `path: ./src`, what to watch on the host',
  'machines.*.develop.watch[].action': 'add `action: sync`, or another action',
  'machines.*.develop.watch[].exec.command': 'add `command: [make, gen]`, what to run in the guest',
  'disks.*': 'write at least `size: 10GiB`, one level deeper',
  'disks.*.size': 'add `size: 10GiB`',
  'networks.*.socket': 'add `socket: /path/of/the/backend.sock`',
  'networks.*.interface': 'add `interface: NAME`, an interface of the host',
  'networks.*.start_address': 'add `start_address: 192.168.105.1`, which is the gateway',
  'networks.*.end_address': 'add `end_address: 192.168.105.254`, the last address for guests',
  'networks.*.subnet_mask': 'add `subnet_mask: 255.255.255.0`',
};

/** A rule for names with a name that keeps it. */
export function withSuggestion(rule: string, suggestion: string | undefined): string {
  return suggestion === undefined ? rule : `${rule}; write \`${suggestion}\``;
}

/** The name that a bad name was probably meant to be. */
export function suggestName(name: string, pattern: string | undefined): string | undefined {
  const suggestion = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^[-_]+/, '')
    .replace(/[-_]+$/, '');
  // Names alone are lower-case; variables and the like have rules of their own.
  return pattern?.startsWith('^[a-z0-9]') && new RegExp(pattern, 'u').test(suggestion)
    ? suggestion
    : undefined;
}
