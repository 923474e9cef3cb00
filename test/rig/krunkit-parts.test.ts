import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openImage } from '../../src/krunkit/open-image.ts';
import { setGuestTime } from '../../src/krunkit/timesync.ts';
import { bootableDisk, krunkit } from './support/krunkit.ts';
import { createRig } from './support/rig.ts';
import { TestTerminal, tmux } from './support/tmux.ts';

const run = promisify(execFile);
const MIB = 1024 ** 2;

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'kr-kk-'));
});
afterAll(() => rm(directory, { recursive: true }));

describe('qcow2 images', () => {
  const at = (name: string): string => path.join(directory, name);
  const convert = (...words: readonly string[]): Promise<unknown> => run('qemu-img', ['convert', ...words]);

  /** 8 MiB with text at the beginning, zeros, and text that crosses two clusters. */
  async function raw(): Promise<Buffer> {
    const bytes = Buffer.alloc(8 * MIB);
    bytes.write('the beginning');
    bytes.fill('across clusters ', 5 * MIB - 100, 5 * MIB + 100);
    await writeFile(at('raw'), bytes);
    return bytes;
  }

  test.each([
    ['plain', []],
    ['version 2', ['-o', 'compat=0.10']],
    ['compressed', ['-c']],
    ['with small clusters', ['-o', 'cluster_size=512']],
    ['with large clusters', ['-o', 'cluster_size=2M']],
    ['with subclusters', ['-o', 'extended_l2=on']],
    ['with everything allocated', ['-o', 'preallocation=full']],
  ])('%s have the bytes that went in', async (name, options) => {
    const bytes = await raw();
    const image = at(`${name.replaceAll(' ', '-')}.qcow2`);
    await convert('-O', 'qcow2', ...options, at('raw'), image);
    const disk = openImage(image, 'qcow2');
    expect(disk.read(0, 64).equals(bytes.subarray(0, 64))).toBe(true);
    const middle = [5 * MIB - 1000, 5 * MIB + 1000] as const;
    expect(disk.read(middle[0], 2000).equals(bytes.subarray(...middle))).toBe(true);
    expect(disk.read(2 * MIB, 4096).equals(Buffer.alloc(4096))).toBe(true);
    // Behind the end.
    expect(disk.read(8 * MIB - 10, 20).equals(Buffer.alloc(20))).toBe(true);
  });

  test('stand on others, and zeros in them hide what is below', async () => {
    await raw();
    await convert('-O', 'qcow2', at('raw'), at('base.qcow2'));
    await run('qemu-img', [
      'create',
      '-q',
      '-f',
      'qcow2',
      '-b',
      'base.qcow2',
      '-F',
      'qcow2',
      at('top.qcow2'),
    ]);
    await run('qemu-io', ['-c', 'write -z 0 64k', at('top.qcow2')]);
    const disk = openImage(at('top.qcow2'), 'qcow2');
    expect(disk.read(5 * MIB - 84, 16).toString()).toBe('across clusters ');
    expect(disk.read(0, 13)).toEqual(Buffer.alloc(13));
  });

  test('that cannot be read say why', async () => {
    await raw();
    const create = (...words: readonly string[]): Promise<unknown> =>
      run('qemu-img', ['create', '-q', '-f', 'qcow2', ...words, '1M']);
    expect(() => openImage(at('raw'), 'qcow2')).toThrow(/is not a qcow2 image/);
    await create('-u', '-b', 'b.qcow2', '-F', 'qcow2', at('a.qcow2'));
    await create('-u', '-b', 'a.qcow2', '-F', 'qcow2', at('b.qcow2'));
    expect(() => openImage(at('a.qcow2'), 'qcow2')).toThrow(/stands on more than 16 images/);
    const key = ['--object', 'secret,id=k,data=password'];
    const encrypted = ['-o', 'encrypt.format=luks,encrypt.key-secret=k,encrypt.iter-time=10'];
    await create(...key, ...encrypted, at('e.qcow2'));
    expect(() => openImage(at('e.qcow2'), 'qcow2')).toThrow(/is encrypted/);
  });
});

describe('the clock of a guest', () => {
  async function agent(
    answer: string,
  ): Promise<{ readonly server: Server; readonly file: string; heard: string }> {
    const file = path.join(directory, `ga-${globalThis.crypto.randomUUID().slice(0, 8)}`);
    const server = createServer((socket) => {
      socket.setEncoding('utf8').on('data', (text: string) => {
        state.heard += text;
        socket.end(answer);
      });
    });
    const state = { server, file, heard: '' };
    server.listen(file);
    await once(server, 'listening');
    return state;
  }

  test('is set through qemu-ga, to the nanosecond', async () => {
    const ga = await agent('{"return": {}}\n');
    await setGuestTime(ga.file, 1_700_000_000_123);
    ga.server.close();
    expect(JSON.parse(ga.heard)).toEqual({
      execute: 'guest-set-time',
      arguments: { time: 1_700_000_000_123_000_000 },
    });
    expect(ga.heard).toContain('1700000000123000000');
  });

  test.each([
    ['{"error":{"desc":"no RTC"}}\n', /not set \(\{"error":\{"desc":"no RTC"\}\}\)/],
    ['', /not set \(the connection was closed\)/],
  ])('is not set where qemu-ga says %j', async (answer, message) => {
    const ga = await agent(answer);
    await expect(setGuestTime(ga.file, 1)).rejects.toThrow(message);
    ga.server.close();
  });

  test('is not set where nobody listens', async () => {
    await expect(setGuestTime(path.join(directory, 'gone'), 1)).rejects.toThrow(
      /ENOENT.*qemu-ga must listen/,
    );
  });
});

describe.skipIf(!tmux)('the terminal of krun krunkit', () => {
  test('shows the console, and is as it was after a signal and after the end of the guest', async () => {
    await using rig = await createRig();
    const disk = await bootableDisk(rig);
    await using terminal = await TestTerminal.open(rig);
    const words = krunkit(disk, '--pidfile', 'pid').slice(1).join(' ');
    await terminal.line(
      `stty -g >before; krun krunkit ${words}; stty -g >after; cmp before after && echo 'sa'me`,
    );
    await terminal.shows(/init runs/);
    process.kill(Number(await rig.read('pid')), 'SIGTERM');
    await terminal.shows(/^ *same$/m);
    await terminal.clear();
    await rig.write('disk.raw.init', '#!/bin/sh\necho init runs; stty -g <&1 >during\n', 0o755);
    await terminal.line(`krun krunkit ${words}; stty -g >after; cmp before after && echo 'sa'me again`);
    await terminal.shows(/^ *same again$/m);
    // The shell's own descriptors still wait for input.
    await terminal.line(`cat </proc/self/fd/0 & wait $!; grep ^flags /proc/$$/fdinfo/0`);
    expect(await terminal.shows(/^flags:\s+\d+$/m)).not.toMatch(/^flags:\s+\d*[4567]\d{3}$/m);
  });
});
