import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { copyFromGuest } from '../../../src/copy/from-guest.ts';
import { plainTar } from '../../../src/copy/plain-tar.ts';
import { copyToGuest } from '../../../src/copy/to-guest.ts';
import { hostGuest, userlands, without, type Userland } from '../../support/host-guest.ts';

const base = mkdtempSync(path.join(os.tmpdir(), 'krun-streams-'));
afterAll(() => rmSync(base, { recursive: true }));

let turn = 0;

function makeTree(): { readonly from: string; readonly to: string } {
  const from = path.join(base, String(turn), 'from');
  const to = path.join(base, String(turn++), 'to');
  mkdirSync(path.join(from, 'deep'), { recursive: true });
  mkdirSync(to);
  writeFileSync(path.join(from, 'file'), 'text');
  writeFileSync(path.join(from, 'deep/large'), 'x'.repeat(3_000_000));
  symlinkSync('file', path.join(from, 'link'));
  return { from, to };
}

async function* inPieces(bytes: Buffer, size = 1000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function tarOf(directory: string, ...options: readonly string[]): Buffer {
  const { stdout, status } = spawnSync('tar', ['-c', ...options, '-f', '-', '-C', directory, '.'], {
    maxBuffer: 100_000_000,
  });
  expect(status).toBe(0);
  return stdout;
}

describe.each(userlands(base))('streams and failures, with the tools of $name', (userland: Userland) => {
  const stream = (bytes: Buffer, destination: string, open = hostGuest(userland)) =>
    copyToGuest(open, {
      source: { stream: plainTar(inPieces(bytes)) },
      destination,
      named: 'web:/to',
      keepsOwners: false,
    });

  test.each(['--format=gnu', '--format=pax'])('a tar of %s goes into a directory', async (format) => {
    const { from, to } = makeTree();
    const result = await stream(tarOf(from, format), to);
    expect(result).toEqual({ ok: true, value: { files: 3, bytes: 3_000_004 } });
    expect(readdirSync(to).toSorted()).toEqual(['deep', 'file', 'link']);
    expect(statSync(path.join(to, 'deep/large')).size).toBe(3_000_000);
  });

  test('a gzipped tar is unpacked', async () => {
    const { from, to } = makeTree();
    expect((await stream(gzipSync(tarOf(from)), to)).ok).toBe(true);
    expect(readdirSync(to).toSorted()).toEqual(['deep', 'file', 'link']);
  });

  test.each([
    ['text', Buffer.from('hello '.repeat(500)), 'a header has a number that is none'],
    ['nothing', Buffer.alloc(0), 'the stream ends before its end mark'],
    [
      'half of a gzip',
      gzipSync(Buffer.alloc(2000)).subarray(0, 15),
      'what gzip holds is broken (Z_BUF_ERROR)',
    ],
  ])('%s is no tar', async (_, bytes, why) => {
    const { to } = makeTree();
    const result = await stream(bytes, to);
    expect(result.ok ? '' : result.error.message).toBe(`standard input is no tar stream: ${why}`);
    expect(readdirSync(to)).toEqual([]);
  });

  test.each([
    ['from/file', 'web:/to is no directory'],
    ['nothing', 'no directory web:/to'],
  ])('a stream to %s is refused', async (name, message) => {
    const { from, to } = makeTree();
    const result = await stream(tarOf(from), path.join(path.dirname(to), name));
    expect(result.ok ? '' : result.error.message).toBe(message);
  });

  test.each([
    ['from', ['from/', 'from/deep/', 'from/deep/large', 'from/file', 'from/link']],
    ['from/.', ['./', './deep/', './deep/large', './file', './link']],
    ['from/file', ['file']],
    ['from/link', ['link']],
  ])('%s comes as a tar stream with the names that docker gives', async (source, names) => {
    const { from } = makeTree();
    const out = new PassThrough();
    const collected = buffer(out);
    const result = await copyFromGuest(hostGuest(userland), {
      source: `${path.dirname(from)}/${source}`,
      named: source,
      followsLink: false,
      destination: { stream: out },
      keepsOwners: false,
    });
    out.end();
    expect(result.ok).toBe(true);
    const listed = spawnSync('tar', ['-t'], { input: await collected, encoding: 'utf8' });
    expect(listed.stdout.trim().split('\n').toSorted()).toEqual(names);
  });

  test('a guest without tar is told, whatever the direction', async () => {
    const { from, to } = makeTree();
    const open = hostGuest(without(userland, ['tar'], path.join(base, `no-tar-${userland.name}-${turn}`)));
    const into = await stream(tarOf(from), to, open);
    const out = await copyFromGuest(open, {
      source: from,
      named: 'web:/from',
      followsLink: false,
      destination: { path: 'x', workingDirectory: to },
      keepsOwners: false,
    });
    for (const result of [into, out]) {
      expect(result.ok ? undefined : result.error).toMatchObject({
        message: 'the guest has no tar',
        hint: "copying needs it: put tar into the machine's root",
      });
    }
  });

  test('a tar of the guest that breaks off is told with what it said, and leaves no half file', async () => {
    const { from, to } = makeTree();
    const broken = without(userland, ['tar'], path.join(base, `broken-${userland.name}-${turn}`));
    const script = `#!/bin/sh\nPATH=/usr/bin:/bin; tar "$@" | head -c 500000; echo "tar: read error: Input/output error" >&2; exit 2\n`;
    writeFileSync(path.join(broken.path, 'tar'), script, { mode: 0o755 });
    const result = await copyFromGuest(hostGuest(broken), {
      source: from,
      named: 'web:/from',
      followsLink: false,
      destination: { path: 'copy', workingDirectory: to },
      keepsOwners: false,
    });
    expect(result.ok ? '' : result.error.message).toBe(
      'copying ended with 2 in the guest: tar: read error: Input/output error',
    );
    expect(readdirSync(path.join(to, 'copy/deep'))).toEqual([]);
  });

  test('a tar of the guest that gives up early ends the copy at once', async () => {
    const { from, to } = makeTree();
    const full = without(userland, ['tar'], path.join(base, `full-${userland.name}-${turn}`));
    const script = '#!/bin/sh\necho "tar: write: No space left on device" >&2; exit 1\n';
    writeFileSync(path.join(full.path, 'tar'), script, { mode: 0o755 });
    // It never ends: only the end of the command ends the copy.
    async function* endless(): AsyncGenerator<Buffer> {
      yield tarOf(from).subarray(0, -1_000_000);
      await new Promise<never>(() => undefined);
    }
    const result = await copyToGuest(hostGuest(full), {
      source: { stream: endless() },
      destination: to,
      named: 'web:/to',
      keepsOwners: false,
    });
    expect(result.ok ? undefined : result.error).toMatchObject({
      message: 'copying ended with 1 in the guest: tar: write: No space left on device',
      hint: "the guest's disk is full; free some space in it, or give it a larger one",
    });
  });

  test('a link to a directory in the guest stays one where a directory is copied onto it', async () => {
    const { from, to } = makeTree();
    mkdirSync(path.join(to, 'real'));
    symlinkSync('real', path.join(to, 'deep'));
    const result = await copyToGuest(hostGuest(userland), {
      source: { path: `${from}/.`, workingDirectory: '/', followsLink: false },
      destination: to,
      named: 'web:/to',
      keepsOwners: false,
    });
    expect(result.ok).toBe(true);
    expect(readlinkSync(path.join(to, 'deep'))).toBe('real');
    expect(readdirSync(path.join(to, 'real'))).toEqual(['large']);
  });

  test('a slow reader of the stream is waited for', async () => {
    const { from } = makeTree();
    let held = 0;
    let most = 0;
    const slow = new Writable({
      highWaterMark: 64 * 1024,
      write(chunk: Buffer, _encoding, done) {
        held = slow.writableLength;
        most = Math.max(most, held);
        setImmediate(done);
        chunk.fill(0);
      },
    });
    const result = await copyFromGuest(hostGuest(userland), {
      source: from,
      named: 'web:/from',
      followsLink: false,
      destination: { stream: slow },
      keepsOwners: false,
    });
    expect(result.ok).toBe(true);
    expect(most).toBeLessThan(512 * 1024);
  });

  test('a file that another replaces keeps its mode and time', async () => {
    const { from, to } = makeTree();
    writeFileSync(path.join(to, 'file'), 'old', { mode: 0o600 });
    const result = await copyFromGuest(hostGuest(userland), {
      source: `${from}/file`,
      named: 'web:/file',
      followsLink: false,
      destination: { path: '.', workingDirectory: to },
      keepsOwners: false,
    });
    expect(result.ok).toBe(true);
    expect(readFileSync(path.join(to, 'file'), 'utf8')).toBe('text');
    expect(statSync(path.join(to, 'file')).mode & 0o777).toBe(statSync(path.join(from, 'file')).mode & 0o777);
  });
});
