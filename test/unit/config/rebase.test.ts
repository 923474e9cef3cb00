import { describe, expect, test } from 'vitest';
import { expandHome, rebasePaths } from '../../../src/config/rebase.ts';
import { toPlain } from '../../../src/source/locate.ts';
import { parseYaml } from '../../../src/source/parse.ts';
import type { MapTree } from '../../../src/source/tree.ts';

function machine(text: string): MapTree {
  const { tree } = parseYaml({ path: '/lib/krun.yaml', text: `machines: { web: ${text} }` });
  if (tree?.kind !== 'map') throw new Error('no map');
  return tree;
}

function plainMachine(tree: MapTree): unknown {
  return (toPlain(tree) as { machines: { web: unknown } }).machines.web;
}

describe('paths of a file elsewhere become absolute', () => {
  test.each<[string, string, unknown]>([
    ['root', '{root: rootfs}', { root: '/lib/rootfs' }],
    ['root.path', '{root: {path: ./a/../b}}', { root: { path: '/lib/b' } }],
    ['an absolute path stays', '{root: /a}', { root: '/a' }],
    ['a home directory stays', '{root: ~/a}', { root: '~/a' }],
    [
      'the name of a disk stays',
      '{root: {disk: system}, disks: [data, {source: data}]}',
      { root: { disk: 'system' }, disks: ['data', { source: 'data' }] },
    ],
    [
      'a disk image',
      '{root: {disk: ./a.img}, disks: [b/c.img, {source: ./d.img}]}',
      { root: { disk: '/lib/a.img' }, disks: ['/lib/b/c.img', { source: '/lib/d.img' }] },
    ],
    [
      'shares',
      '{shares: ["./a:/x", "b:/y:ro", {source: c}]}',
      { shares: ['/lib/a:/x', '/lib/b:/y:ro', { source: '/lib/c' }] },
    ],
    ['env files', '{env_file: [a, {path: ../b}]}', { env_file: ['/lib/a', { path: '/b' }] }],
    [
      'watched paths',
      '{develop: {watch: [{path: src, target: /app, ignore: [a]}]}}',
      { develop: { watch: [{ path: '/lib/src', target: '/app', ignore: ['a'] }] } },
    ],
    ['one env file', '{env_file: a}', { env_file: '/lib/a' }],
    [
      'sockets of the host that ports have',
      '{ports: ["8080:80", {socket: ./a.sock, guest: 80}]}',
      { ports: ['8080:80', { socket: '/lib/a.sock', guest: 80 }] },
    ],
    ['boot', '{boot: {firmware: efi, initrd: i}}', { boot: { firmware: 'efi', initrd: '/lib/i' } }],
    ['a firmware file', '{boot: {firmware: f.fd}}', { boot: { firmware: '/lib/f.fd' } }],
    [
      'a build runs where its file is',
      '{build: {command: ./make, inputs: [a, "b/**"]}}',
      { build: { command: './make', inputs: ['/lib/a', '/lib/b/**'], directory: '/lib' } },
    ],
    [
      'unless it says where',
      '{build: {command: ./make, directory: sub}}',
      { build: { command: './make', directory: '/lib/sub' } },
    ],
    [
      'sockets and logs',
      '{vsock: [{port: 1, socket: s}], console: {log: l, ports: [{name: n, socket: p}]}}',
      {
        vsock: [{ port: 1, socket: '/lib/s' }],
        console: { log: '/lib/l', ports: [{ name: 'n', socket: '/lib/p' }] },
      },
    ],
    [
      'guest paths stay',
      '{working_dir: /srv, command: [./run]}',
      { working_dir: '/srv', command: ['./run'] },
    ],
    [
      'what is malformed stays',
      '{root: [a], shares: x, disks: [1], env_file: {}}',
      { root: ['a'], shares: 'x', disks: [1], env_file: {} },
    ],
  ])('%s', (_name, text, expected) => {
    expect(plainMachine(rebasePaths(machine(text), '/lib'))).toEqual(expected);
  });

  test('a share in a directory with a colon takes the long form', () => {
    expect(plainMachine(rebasePaths(machine('{shares: ["./a:/x:ro"]}'), '/l:b'))).toEqual({
      shares: [{ source: '/l:b/a', target: '/x', readonly: true }],
    });
  });
});

test('a leading ~ is the home directory', () => {
  const tree = machine('{root: "~", shares: ["~/a:/x", "~other/b:/y"], env_file: ["~/$&"]}');
  expect(plainMachine(expandHome(tree, '/home/me'))).toEqual({
    root: '/home/me',
    shares: ['/home/me/a:/x', '~other/b:/y'],
    env_file: ['/home/me/$&'],
  });
});
