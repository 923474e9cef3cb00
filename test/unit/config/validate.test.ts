import { expect, test } from 'vitest';
import type { Diagnostic } from '../../../src/base/diagnostic.ts';
import { unsupportedKeys } from '../../../src/config/unsupported.ts';
import { validateTree } from '../../../src/config/validate.ts';
import { parseYaml } from '../../../src/source/parse.ts';
import { lineColumn } from '../../../src/source/source-file.ts';
import type { MapEntry, Tree } from '../../../src/source/tree.ts';
import { EVERYTHING_ELSE, EVERYTHING_THAT_WORKS } from './support/grammar.ts';

function treeOf(text: string): Tree {
  const { tree, diagnostics } = parseYaml({ path: '/krun.yaml', text });
  if (!tree) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return tree;
}

/** `line:column message` of each diagnostic. */
function lines(text: string, diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ message, span }) => {
    const { line, column } = lineColumn(text, span?.start ?? 0);
    return `${line}:${column} ${message}`;
  });
}

/** A tree as interpolation leaves it: the scalars of that text came from a variable. */
function withVariable(tree: Tree, text: string, variable: string): Tree {
  if (tree.kind === 'scalar')
    return tree.value === text ? { ...tree, variables: [{ name: variable }] } : tree;
  if (tree.kind === 'sequence') {
    return { ...tree, items: tree.items.map((item) => withVariable(item, text, variable)) };
  }
  const entries = [...tree.entries].map(([key, entry]): [string, MapEntry] => [
    key,
    { ...entry, value: withVariable(entry.value, text, variable) },
  ]);
  return { ...tree, entries: new Map(entries) };
}

function mistakes(text: string): string[] {
  return lines(text, validateTree(treeOf(text)));
}

function hints(text: string): (string | undefined)[] {
  return validateTree(treeOf(text)).map(({ hint }) => hint);
}

test('the grammar that works is accepted', () => {
  expect(mistakes(EVERYTHING_THAT_WORKS)).toEqual([]);
  expect(unsupportedKeys(treeOf(EVERYTHING_THAT_WORKS))).toEqual([]);
});

test('the grammar that does not work yet is accepted by the schema and refused key by key', () => {
  expect(mistakes(EVERYTHING_ELSE)).toEqual([]);
  const found = unsupportedKeys(treeOf(EVERYTHING_ELSE));
  expect(lines(EVERYTHING_ELSE, found)).toMatchInlineSnapshot(`
    [
      "4:13 an OCI image as root is not supported yet",
      "9:41 leaving out parts of a share is not supported yet",
    ]
  `);
  expect(new Set(found.map(({ code }) => code))).toEqual(new Set(['not-supported-yet']));
});

test('what is switched off may be written', () => {
  const text = `
machines:
  web:
    root: { path: ., readonly: false }
    nested: false
    gpu: false
    sound: "false"
`;
  expect(mistakes(text)).toEqual([]);
  expect(unsupportedKeys(treeOf(text))).toEqual([]);
});

test('numbers and truth values may be text, as interpolation leaves them', () => {
  const text = `
machines:
  web:
    root: { path: ., readonly: "false" }
    cpus: "2"
    rlimits: { nofile: "1024", core: { soft: "0", hard: "-1" } }
    logs: { max_files: "3" }
    agent: "true"
    disks: [{ source: ./a, direct_io: "false" }]
    ports: ["80:80", { host: "80", guest: "80" }]
`;
  expect(mistakes(text)).toEqual([]);
});

test('a misspelt key is not also a missing one', () => {
  expect(mistakes('machines: { web: { roto: . } }')).toEqual(['1:20 unknown key `roto` in `machines.web`']);
  expect(mistakes('services: { web: { root: . } }')).toEqual(['1:1 unknown key `services`']);
  expect(mistakes('machines: { web: { bootloader: efi } }')).toEqual([
    '1:20 unknown key `bootloader` in `machines.web`',
  ]);
});

test('a mistake that several machines share is told once', () => {
  const text = `
x-base: &base { root: ., cpu: 2, memory: 5 }
machines:
  a: *base
  b: { <<: *base }
`;
  expect(mistakes(text)).toEqual([
    '2:26 unknown key `cpu` in `machines.a`',
    '2:42 `machines.a.memory` must be a size with its unit, such as 512MiB, not the number 5',
  ]);
});

test('a machine that boots by itself, or whose base is still to be found, needs no root', () => {
  expect(mistakes('machines: { a: { boot: { firmware: efi } }, b: { extends: a } }')).toEqual([]);
  expect(mistakes('machines: { a: { cpus: 1 } }')).toEqual(['1:13 `machines.a` has no `root`']);
});

test('a value from a variable is told with the name of the variable', () => {
  const tree = treeOf('machines: { web: { root: ., cpus: two } }');
  const [mistake] = validateTree(withVariable(tree, 'two', 'CPUS'));
  expect(mistake?.message).toBe('`machines.web.cpus` cannot be "two", the value of `CPUS`');
});

test('mistakes come in the order of the text', () => {
  const found = mistakes('machines: { web: { root: 5, cpus: x, kind: y } }\nname: A\nother: 1\n');
  expect(found.map((line) => line.split(' ')[0])).toEqual(['1:26', '1:35', '1:44', '2:7', '3:1']);
});

test.each([
  ['memory: 512', 'write `512MiB`'],
  ['memory: 1073741824', 'write `1GiB`'],
  ['memory: "512"', 'write `512MiB`'],
  ['stop_grace_period: 10', 'write `10s`'],
  ['stop_grace_period: "10"', 'write `10s`'],
  ['agent: yes', 'write `true`'],
  ['agent: 1', 'write `true`'],
  ['agent: "0"', 'write `false`'],
  ['restart: false', 'write `restart: "no"`'],
  ['restart: alway', 'did you mean `always`?'],
  ['stop_signal: SIGTREM', 'did you mean `SIGTERM`?'],
  ['stop_signal: TREM', 'did you mean `TERM`?'],
  ['kind: tsk', 'did you mean `task`?'],
  ['hostname: 42', 'put it in quotes: "42"'],
  ['memory: true', undefined],
  ['hostname: 1.10', 'put it in quotes: "1.10"'],
  ['ports: 80:80', 'write a list: `["80:80"]`'],
  ['profiles: debug', 'write a list: `[debug]`'],
])('%s: %s', (line, hint) => {
  expect(hints(`machines: { web: { root: ., ${line} } }`)).toEqual([hint]);
});

test('a key named like a property of every object is a key like any other', () => {
  const found = mistakes('machines: { web: { root: ., constructor: 1, __proto__: 2, toString: 3 } }');
  expect(found.map((line) => line.replace(/^\S+ /, ''))).toEqual([
    'unknown key `constructor` in `machines.web`',
    'unknown key `__proto__` in `machines.web`',
    'unknown key `toString` in `machines.web`',
  ]);
});
