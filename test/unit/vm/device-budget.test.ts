import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { calls } from '../../../src/machine/configure.ts';
import { projectLayout } from '../../../src/store/layout.ts';
import { machineSpec } from '../../../src/supervisor/machine-spec.ts';
import { without } from '../machine/specs.ts';
import { only, resolveText } from '../project/support.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'krun-budget-'));
afterAll(() => rmSync(directory, { recursive: true }));
const init = path.join(directory, 'init');
writeFileSync(init, '#!/bin/sh\n');
const tee = path.join(directory, 'tee.json');
writeFileSync(tee, '{ "tee": "snp" }');

const layout = projectLayout('/p', undefined, { XDG_RUNTIME_DIR: '/run/user/1', HOME: '/home/u' }, 1000);

/** The machine `web` with so many data disks beside what it has. */
function text(keys: readonly string[], disks: number): string {
  const images = Array.from({ length: disks }, (_, index) => `./d${index}.img`).join(', ');
  const lines = [...keys, 'networks: []', `disks: [${images}]`];
  return `machines:\n  web:\n${lines.map((line) => `    ${line}\n`).join('')}`;
}

function isRefusedEarly(keys: readonly string[], disks: number): boolean {
  return resolveText(text(keys, disks)).text.includes('a guest on x86_64 has 11');
}

function isRefusedLate(keys: readonly string[], disks: number): boolean {
  const machine = only(resolveText(text(keys, 0)));
  const disk = only(resolveText(text(keys, 1))).disks[0]!;
  const spec = machineSpec({
    layout,
    project: 'p',
    definition: {
      ...machine,
      disks: Array.from({ length: disks }, () => disk),
      libkrun: { ...machine.libkrun, library: process.execPath },
    },
    run: 1,
    endpoint: { interfaces: [], ports: [] },
    neighbours: [],
  });
  const compiled = calls(spec, without());
  return !compiled.ok && compiled.error.some(({ message }) => message.includes('libkrun has room for 11'));
}

test.each([
  ['a root directory and the agent', ['root: ./rootfs', 'command: [x]']],
  ['a root directory without the agent', ['root: ./rootfs', 'command: [x]', 'agent: false']],
  ['a root on a disk', ['root: { disk: ./r.img }', 'command: [x]']],
  ["an init of the user's own", ['root: ./rootfs', `boot: { init: ${init} }`]],
  [
    'a kernel with an initrd and a root directory',
    ['root: ./rootfs', 'boot: { kernel: /k, format: elf, initrd: /i }'],
  ],
  [
    'a kernel with an initrd and a disk',
    ['root: { disk: ./r.img }', 'boot: { kernel: /k, format: elf, initrd: /i }'],
  ],
  ['a kernel alone', ['boot: { kernel: /k, format: elf }']],
  ['a confidential machine', ['root: { disk: ./r.img }', `tee: { config: ${tee} }`, 'command: [x]']],
  [
    'devices',
    ['root: ./rootfs', 'command: [x]', 'gpu: true', 'sound: true', 'vsock: [{ port: 1, socket: ./s }]'],
  ],
])('%s: krun.yaml is refused for its devices where libkrun would refuse them', (_name, keys) => {
  const counts = Array.from({ length: 12 }, (_, disks) => disks);
  const early = counts.filter((disks) => isRefusedEarly(keys, disks));
  expect(early).toEqual(counts.filter((disks) => isRefusedLate(keys, disks)));
  expect(early.length).toBeGreaterThan(1);
  expect(early.length).toBeLessThan(counts.length);
});
