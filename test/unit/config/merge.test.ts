import { describe, expect, test } from 'vitest';
import { mergeTrees, withoutMergeTags } from '../../../src/config/merge.ts';
import { toPlain, treeAt } from '../../../src/source/locate.ts';
import { parseYaml } from '../../../src/source/parse.ts';
import type { Tree } from '../../../src/source/tree.ts';

function parse(text: string, path = '/p/krun.yaml'): Tree {
  const { tree, diagnostics } = parseYaml({ path, text });
  expect(diagnostics).toEqual([]);
  if (!tree) throw new Error('no tree');
  return tree;
}

function merge(...texts: string[]): unknown {
  const [first = '', ...rest] = texts;
  const merged = rest.reduce((earlier, text) => mergeTrees(earlier, parse(text)), parse(first));
  return toPlain(withoutMergeTags(merged));
}

/** Merges one machine's keys. */
function mergeMachine(...texts: string[]): unknown {
  const files = texts.map((text) => `machines: { web: ${text} }`);
  return (merge(...files) as { machines: { web: unknown } }).machines.web;
}

describe('a later file', () => {
  test('adds keys and replaces single values', () => {
    expect(
      merge(
        'name: a\nmachines: {web: {cpus: 1, memory: 1GiB}}',
        'name: b\nmachines: {web: {cpus: 2}, db: {}}',
      ),
    ).toEqual({
      name: 'b',
      machines: { web: { cpus: 2, memory: '1GiB' }, db: {} },
    });
  });

  test.each<[string, string, string, unknown]>([
    ['command is replaced', '{command: [a, b]}', '{command: [c]}', { command: ['c'] }],
    ['entrypoint is replaced', '{entrypoint: a b}', '{entrypoint: [c]}', { entrypoint: ['c'] }],
    [
      'healthcheck.test is replaced',
      '{healthcheck: {test: [a], retries: 3}}',
      '{healthcheck: {test: [b]}}',
      { healthcheck: { test: ['b'], retries: 3 } },
    ],
    [
      'a probe takes the place of another kind, and keeps how it is asked',
      '{healthcheck: {test: [a], interval: 5s, hint: x}}',
      '{healthcheck: {http: "http://:80/"}}',
      { healthcheck: { http: 'http://:80/', interval: '5s', hint: 'x' } },
    ],
    [
      'a health check that says how it is asked keeps its probe',
      '{healthcheck: {tcp: 80}}',
      '{healthcheck: {disable: true}}',
      { healthcheck: { tcp: 80, disable: true } },
    ],
    ['stop_command is replaced', '{stop_command: [a, b]}', '{stop_command: c}', { stop_command: 'c' }],
    [
      'secrets: a later file in the same place',
      '{secrets: [a, {source: b, target: /etc/b}, c]}',
      '{secrets: [{source: x, target: /run/secrets/a}, {source: y, target: /etc/b}, {source: z, target: c}]}',
      {
        secrets: [
          { source: 'x', target: '/run/secrets/a' },
          { source: 'y', target: '/etc/b' },
          { source: 'z', target: 'c' },
        ],
      },
    ],
    [
      'configs: a later file in the same place',
      '{configs: [a]}',
      '{configs: [{source: x, target: /a}, b]}',
      { configs: [{ source: 'x', target: '/a' }, 'b'] },
    ],
    [
      'develop.watch: rules are added',
      '{develop: {watch: [{path: a, action: sync}]}}',
      '{develop: {watch: [{path: a, action: restart}]}}',
      {
        develop: {
          watch: [
            { path: 'a', action: 'sync' },
            { path: 'a', action: 'restart' },
          ],
        },
      },
    ],
    [
      'build.command is replaced, inputs are added',
      '{build: {command: [a], inputs: [x]}}',
      '{build: {command: [b], inputs: [x, y]}}',
      { build: { command: ['b'], inputs: ['x', 'y'] } },
    ],
    [
      'environment: map over map',
      '{environment: {A: 1, B: 2}}',
      '{environment: {B: 3}}',
      { environment: { A: 1, B: 3 } },
    ],
    [
      'environment: list over map',
      '{environment: {A: 1}}',
      '{environment: [A=2, B=3]}',
      { environment: { A: '2', B: '3' } },
    ],
    [
      'environment: map over list',
      '{environment: [A=1, B]}',
      '{environment: {A: 2}}',
      { environment: { A: 2, B: null } },
    ],
    [
      'depends_on: list over list',
      '{depends_on: [a]}',
      '{depends_on: [a, b]}',
      { depends_on: { a: { condition: 'started' }, b: { condition: 'started' } } },
    ],
    [
      'depends_on: map over list',
      '{depends_on: [a]}',
      '{depends_on: {a: {condition: healthy}}}',
      { depends_on: { a: { condition: 'healthy' } } },
    ],
    [
      'networks: map over list',
      '{networks: [a]}',
      '{networks: {a: {mac: m}, b: }}',
      { networks: { a: { mac: 'm' }, b: null } },
    ],
    [
      'env_file: text and list',
      '{env_file: a.env}',
      '{env_file: [b.env, {path: a.env, required: false}]}',
      { env_file: [{ path: 'a.env', required: false }, 'b.env'] },
    ],
    ['profiles are a set', '{profiles: [a, b]}', '{profiles: [b, c]}', { profiles: ['a', 'b', 'c'] }],
    [
      'ports by address, host, guest and protocol',
      '{ports: ["8080:80", "53:53/udp"]}',
      '{ports: ["8080:80/tcp", "53:53", {host: 53, guest: 53, protocol: udp}, "127.0.0.1:8080:80"]}',
      { ports: ['8080:80/tcp', { host: 53, guest: 53, protocol: 'udp' }, '53:53', '127.0.0.1:8080:80'] },
    ],
    [
      'ports by their sockets, and in any form of a free port',
      '{ports: [{socket: ./a, guest: 80}, "auto:81", "[::1]:82:82/UDP"]}',
      '{ports: [{socket: ./a, guest: 80, name: n}, {host: auto, guest: 81}, {host_ip: "::1", host: 82, guest: 82, protocol: udp}]}',
      {
        ports: [
          { socket: './a', guest: 80, name: 'n' },
          { host: 'auto', guest: 81 },
          { host_ip: '::1', host: 82, guest: 82, protocol: 'udp' },
        ],
      },
    ],
    ['ports without a host port', '{ports: ["80", 81]}', '{ports: [80, "82"]}', { ports: [80, 81, '82'] }],
    [
      'shares by target',
      '{shares: ["./a:/x", "./b:/y:ro"]}',
      '{shares: [{source: ./c, target: /y}, "./d:/z"]}',
      { shares: ['./a:/x', { source: './c', target: '/y' }, './d:/z'] },
    ],
    [
      'disks by source',
      '{disks: [data, ./a.img]}',
      '{disks: [{source: data, readonly: true}, other]}',
      { disks: [{ source: 'data', readonly: true }, './a.img', 'other'] },
    ],
    [
      'vsock by port',
      '{vsock: [{port: 1, socket: a}]}',
      '{vsock: [{port: "1", socket: b}, {port: 2, socket: c}]}',
      {
        vsock: [
          { port: '1', socket: 'b' },
          { port: 2, socket: 'c' },
        ],
      },
    ],
    [
      'console ports by name',
      '{console: {log: a, ports: [{name: n, socket: a}]}}',
      '{console: {ports: [{name: n, socket: b}]}}',
      { console: { log: 'a', ports: [{ name: 'n', socket: 'b' }] } },
    ],
    [
      'other lists are appended',
      '{smbios: {oem_strings: [a]}}',
      '{smbios: {oem_strings: [a, b]}}',
      { smbios: { oem_strings: ['a', 'a', 'b'] } },
    ],
    [
      'root: another kind drops the first',
      '{root: {path: ./a, readonly: true}}',
      '{root: {disk: system}}',
      { root: { disk: 'system' } },
    ],
    [
      'root: an option joins the short form',
      '{root: ./a}',
      '{root: {readonly: true}}',
      { root: { path: './a', readonly: true } },
    ],
    [
      'root: text over the same kind',
      '{root: {path: ./a, readonly: true}}',
      '{root: ./b}',
      { root: { path: './b', readonly: true } },
    ],
    ['root: text over a disk', '{root: {disk: system, fstype: ext4}}', '{root: ./b}', { root: './b' }],
    [
      'boot: kernel over firmware',
      '{boot: {firmware: efi}}',
      '{boot: {kernel: ./k, format: elf}}',
      { boot: { kernel: './k', format: 'elf' } },
    ],
    [
      'no value keeps a map',
      '{environment: {A: 1}, ports: [80]}',
      '{environment: , ports: }',
      { environment: { A: 1 }, ports: [80] },
    ],
    ['no value replaces a single value', '{memory: 1GiB}', '{memory: }', { memory: null }],
    [
      'another kind of value replaces',
      '{rlimits: {nofile: 1024}}',
      '{rlimits: {nofile: {soft: 1, hard: 2}}}',
      { rlimits: { nofile: { soft: 1, hard: 2 } } },
    ],
  ])('%s', (_name, earlier, later, expected) => {
    expect(mergeMachine(earlier, later)).toEqual(expected);
  });
});

describe('merge tags', () => {
  test.each<[string, string, string, unknown]>([
    ['!reset removes a single value', '{cpus: 2, memory: 1GiB}', '{cpus: !reset null}', { memory: '1GiB' }],
    ['!reset removes a list', '{ports: [80], cpus: 1}', '{ports: !reset []}', { cpus: 1 }],
    [
      '!reset removes one variable',
      '{environment: {A: 1, B: 2}}',
      '{environment: {A: !reset }}',
      { environment: { B: 2 } },
    ],
    ['!override replaces a list', '{ports: [80, 81]}', '{ports: !override [82]}', { ports: [82] }],
    [
      '!override replaces a map',
      '{environment: {A: 1}}',
      '{environment: !override {B: 2}}',
      { environment: { B: 2 } },
    ],
    ['!override of nothing is the value', '{}', '{ports: !override [82]}', { ports: [82] }],
    ['!reset of nothing is nothing', '{cpus: 1}', '{ports: !reset []}', { cpus: 1 }],
  ])('%s', (_name, earlier, later, expected) => {
    expect(mergeMachine(earlier, later)).toEqual(expected);
  });

  test('a third file starts from what the second left', () => {
    expect(mergeMachine('{ports: [80]}', '{ports: !reset []}', '{ports: [82]}')).toEqual({ ports: [82] });
    expect(mergeMachine('{ports: [80]}', '{ports: !override [81]}', '{ports: [82]}')).toEqual({
      ports: [81, 82],
    });
  });

  test('!reset removes a whole machine', () => {
    expect(merge('machines: {web: {cpus: 1}, db: {}}', 'machines: {web: !reset {}}')).toEqual({
      machines: { db: {} },
    });
  });
});

describe('after a merge', () => {
  const earlier = parse('machines:\n  web:\n    memory: 1GiB\n    ports: [80]\n', '/p/a.yaml');
  const later = parse('machines:\n  web:\n    memory: 2GiB\n    ports: [81]\n', '/p/b.yaml');
  const merged = mergeTrees(earlier, later);

  test('a value points at the file that set it and knows what it replaced', () => {
    expect(treeAt(merged, ['machines', 'web', 'memory'])).toMatchObject({
      value: '2GiB',
      span: { file: '/p/b.yaml' },
      replaced: { value: '1GiB', span: { file: '/p/a.yaml' } },
    });
  });

  test('items of a list point at their own files', () => {
    expect(treeAt(merged, ['machines', 'web', 'ports', 0])).toMatchObject({ span: { file: '/p/a.yaml' } });
    expect(treeAt(merged, ['machines', 'web', 'ports', 1])).toMatchObject({ span: { file: '/p/b.yaml' } });
  });

  test('a machine is where it was begun', () => {
    const machines = treeAt(merged, ['machines']);
    expect(machines?.kind === 'map' && machines.entries.get('web')?.keySpan.file).toBe('/p/a.yaml');
  });

  test('the merged files are as they were', () => {
    expect(toPlain(earlier)).toEqual({ machines: { web: { memory: '1GiB', ports: [80] } } });
    expect(toPlain(later)).toEqual({ machines: { web: { memory: '2GiB', ports: [81] } } });
  });
});
