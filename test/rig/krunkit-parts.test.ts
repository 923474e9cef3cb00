import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, readdirSync, rmSync, watch } from 'node:fs';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isHalted, watchForHalt } from '../../src/krunkit/halt-watch.ts';
import { connectInterfaces } from '../../src/krunkit/net-sockets.ts';
import { openLogFile } from '../../src/krunkit/log-file.ts';
import { openImage } from '../../src/krunkit/open-image.ts';
import { createProcessEnd } from '../../src/krunkit/process-end.ts';
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

  const zstd = ['compressed with zstd', ['-c', '-o', 'compression_type=zstd']] as const;
  test.each<readonly [string, readonly string[]]>([
    ['plain', []],
    ['version 2', ['-o', 'compat=0.10']],
    ['compressed', ['-c']],
    ['with small clusters', ['-o', 'cluster_size=512']],
    ['with large clusters', ['-o', 'cluster_size=2M']],
    ['with subclusters', ['-o', 'extended_l2=on']],
    ['with everything allocated', ['-o', 'preallocation=full']],
    // Node has it since 22.15.
    ...('zstdDecompressSync' in zlib ? [zstd] : []),
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
    await create('-u', '-b', 'gone.raw', '-F', 'raw', at('above.qcow2'));
    expect(() => openImage(at('above.qcow2'), 'qcow2')).toThrow(
      expect.objectContaining({
        name: 'ImageError',
        message: `disk image ${at('above.qcow2')} stands on ${at('gone.raw')}, which cannot be opened: ENOENT`,
      }),
    );
    await create(at('good.qcow2'));
    const good = await readFile(at('good.qcow2'));
    const changes: readonly (readonly [offset: number, value: number, message: RegExp])[] = [
      [32, 2, /is encrypted/],
      [4, 9, /is damaged, or newer than krun: version 9/],
      [20, 40, /clusters of 2\^40 bytes/],
      [36, 0xffff_ffff, /entries of its first table/],
      [76, 4, /keeps its data in another file/],
      [76, 64, /features 0x40/],
    ];
    for (const [offset, value, message] of changes) {
      const bad = Buffer.from(good);
      bad.writeUInt32BE(value, offset);
      await writeFile(at('bad.qcow2'), bad);
      expect(() => openImage(at('bad.qcow2'), 'qcow2')).toThrow(message);
    }
    await create('-u', '-b', '.', '-F', 'raw', at('on-directory.qcow2'));
    expect(() => openImage(at('on-directory.qcow2'), 'qcow2')).toThrow(
      expect.objectContaining({
        name: 'ImageError',
        message: `disk image ${at('on-directory.qcow2')} stands on ${directory}, which is neither a file nor a block device`,
      }),
    );
  });

  test('whose compressed data are damaged say so', async () => {
    await raw();
    await convert('-c', '-O', 'qcow2', at('raw'), at('damaged.qcow2'));
    const bytes = await readFile(at('damaged.qcow2'));
    const table = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & 0xff_ffff_ffff_fe00n);
    // The first cluster, whose entry ends with its place.
    bytes.fill(0xff, bytes.readUInt32BE(table + 4), bytes.readUInt32BE(table + 4) + 64);
    await writeFile(at('damaged.qcow2'), bytes);
    const disk = openImage(at('damaged.qcow2'), 'qcow2');
    expect(() => disk.read(0, 16)).toThrow(
      expect.objectContaining({
        name: 'ImageError',
        message: expect.stringMatching(/damaged.*a compressed cluster/),
      }),
    );
  });

  test('leave no descriptor open', async () => {
    await raw();
    await convert('-O', 'qcow2', at('raw'), at('closed.qcow2'));
    const before = readdirSync('/dev/fd').length;
    openImage(at('closed.qcow2'), 'qcow2').read(0, 16);
    expect(readdirSync('/dev/fd')).toHaveLength(before);
  });
});

describe('the clock of a guest', () => {
  async function agent(
    answer: string,
  ): Promise<{ readonly server: Server; readonly file: string; heard: string }> {
    const file = path.join(directory, `ga-${globalThis.crypto.randomUUID().slice(0, 8)}`);
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
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

describe("the kernel's last words", () => {
  test.each([
    ['[   12.345678] reboot: System halted\n', true],
    ['hello\r\n[    1.000000] reboot: Power off not available: System halted instead\r\n', true],
    ['[    1.000000] reboot: Restarting system\n', false],
    ['[    1.000000] reboot: System halted\nlogin: ', false],
    ['echo reboot: System halted', false],
    ['', false],
  ])('%j', (text, expected) => {
    expect(isHalted(text)).toBe(expected);
  });
});

describe('a console file that is watched for them', () => {
  const halted = '\n[    1.000000] reboot: System halted\n';

  test('may be larger than what Node reads at once', async () => {
    const file = path.join(directory, 'large');
    await writeFile(file, '');
    await truncate(file, 3 * 1024 * MIB);
    const seen = new Promise<void>((resolve) => watchForHalt(file, resolve));
    appendFileSync(file, halted);
    await seen;
  });

  test('may be removed, which ends nothing', async () => {
    const file = path.join(directory, 'removed');
    await writeFile(file, '');
    let ended = false;
    watchForHalt(file, () => (ended = true));
    // Told of the same events, after the other.
    const other = watch(file);
    const told = once(other, 'change');
    await rm(file);
    await told;
    other.close();
    expect(ended).toBe(false);
  });
});

test("libkrun's log is read from where this machine's begins", async () => {
  const file = path.join(directory, 'log');
  await writeFile(file, 'earlier\n');
  const log = openLogFile(file);
  expect(log.read()).toBe('');
  appendFileSync(log.fd, 'now\n');
  closeSync(log.fd);
  expect(log.read()).toBe('now\n');
});

test('what cannot be undone keeps nothing else from being undone before the end', () => {
  const end = createProcessEnd();
  const done: string[] = [];
  end.undo(() => done.push('first'));
  // A directory in the place of a socket.
  end.undo(() => rmSync(directory, { force: true }));
  end.undo(() => done.push('last'));
  end.undoAll();
  expect(done).toEqual(['last', 'first']);
});

test.each([
  ['1.18', [], 'has 99 bytes; libkrun can use at most'],
  ['1.19', ['krun_fs_add_overlay_dir'], 'does not exist'],
])("libkrun %s leaves so much room for a datagram socket's path", (_version, functions, message) => {
  const net = { kind: 'net', socket: 'unixgram', peer: { path: 'x'.repeat(99) } } as const;
  const described = { ...net, mac: '5a:94:ef:e4:0c:01', offloading: false, vfkitMagic: false };
  const library = { has: (name: string) => (functions as readonly string[]).includes(name) };
  const result = connectInterfaces([described], library);
  expect(result.ok ? '' : result.error[0]?.message).toContain(message);
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
