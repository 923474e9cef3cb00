import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Diagnostic } from '../../../src/base/diagnostic.ts';
import { ByteSource } from '../../../src/copy/byte-source.ts';
import { extractTar } from '../../../src/copy/extract.ts';
import { encodeHeader, paddedBytes, type TarHeader } from '../../../src/copy/tar-header.ts';

const base = mkdtempSync(path.join(os.tmpdir(), 'krun-extract-'));
afterAll(() => rmSync(base, { recursive: true }));

let turn = 0;

/** A directory to extract into, with one beside it that nothing may get at. */
function makeDirectories() {
  const directory = path.join(base, String(turn++));
  const into = path.join(directory, 'into');
  const outside = path.join(directory, 'outside');
  mkdirSync(into, { recursive: true });
  mkdirSync(outside);
  writeFileSync(path.join(outside, 'secret'), 'secret', { mode: 0o600 });
  return { into, outside };
}

type Entry = Partial<TarHeader> & { readonly name: string; readonly content?: string };

function tarOf(entries: readonly Entry[]): Buffer {
  const pieces = entries.map(({ content = '', ...entry }) => {
    const body = Buffer.alloc(paddedBytes(content.length));
    body.write(content, 'latin1');
    const defaults = { kind: 'file', linkName: '', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1 } as const;
    return Buffer.concat([encodeHeader({ ...defaults, size: content.length, ...entry }), body]);
  });
  return Buffer.concat([...pieces, Buffer.alloc(1024)]);
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function extract(stream: Buffer, into: string, { pieceBytes = 100_000, keepsOwners = false } = {}) {
  const notices: Diagnostic[] = [];
  const result = await extractTar(new ByteSource(inPieces(stream, pieceBytes)), {
    directory: into,
    place: (parts) => parts,
    keepsOwners,
    onNotice: (notice) => notices.push(notice),
  });
  return { result, notices: notices.map(({ message }) => message) };
}

async function failure(entries: readonly Entry[], into: string): Promise<string> {
  const { result } = await extract(tarOf(entries), into);
  return result.ok ? 'nothing' : result.error.diagnostic.message;
}

test.each(['../outside/x', 'a/../../outside/x', '/../outside/x', '..', 'a/..'])(
  'the name %s is refused',
  async (name) => {
    const { into, outside } = makeDirectories();
    expect(await failure([{ name, content: 'x' }], into)).toBe(
      `the stream holds ${name}, which leads out of the directory`,
    );
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(readdirSync(into)).toEqual([]);
  },
);

test('absolute names stay below the directory', async () => {
  const { into } = makeDirectories();
  const name = `/${path.basename(into)}-absolute`;
  expect(await failure([{ name, content: 'x' }], into)).toBe('nothing');
  expect(readdirSync(into)).toEqual([name.slice(1)]);
  expect(existsSync(name)).toBe(false);
});

test('nothing is written through a link that came before in the stream', async () => {
  const { into, outside } = makeDirectories();
  const entries: readonly Entry[] = [
    { kind: 'symlink', name: 'door', linkName: '../outside' },
    { name: 'door/x', content: 'x' },
  ];
  expect(await failure(entries, into)).toBe(`cannot write below ${into}/door, which is a symbolic link`);
  expect(readdirSync(outside)).toEqual(['secret']);
});

test('nothing is written through a link that was there', async () => {
  const { into, outside } = makeDirectories();
  symlinkSync(outside, path.join(into, 'door'));
  expect(await failure([{ name: 'door/x', content: 'x' }], into)).toMatch(/door, which is a symbolic link$/);
  expect(await failure([{ kind: 'directory', name: 'door' }], into)).toMatch(
    /^cannot overwrite .*door, which is no dir/,
  );
  expect(readdirSync(outside)).toEqual(['secret']);
});

test('a file in the place of a link replaces the link and not what it leads to', async () => {
  const { into, outside } = makeDirectories();
  symlinkSync(path.join(outside, 'secret'), path.join(into, 'file'));
  expect(await failure([{ name: 'file', content: 'new' }], into)).toBe('nothing');
  expect(readFileSync(path.join(outside, 'secret'), 'utf8')).toBe('secret');
  expect(lstatSync(path.join(into, 'file')).isFile()).toBe(true);
});

test.each(['../outside/secret', 'door/secret'])('a hard link to %s is refused', async (linkName) => {
  const { into, outside } = makeDirectories();
  const entries: readonly Entry[] = [
    { kind: 'symlink', name: 'door', linkName: '../outside' },
    { kind: 'link', name: 'mine', linkName },
  ];
  expect(await failure(entries, into)).not.toBe('nothing');
  expect(statSync(path.join(outside, 'secret')).nlink).toBe(1);
  expect(existsSync(path.join(into, 'mine'))).toBe(false);
});

test('a hard link to a symbolic link is one to the same place, and no way out', async () => {
  const { into, outside } = makeDirectories();
  const entries: readonly Entry[] = [
    { kind: 'symlink', name: 'door', linkName: '../outside/secret' },
    { kind: 'link', name: 'mine', linkName: 'door' },
    { name: 'mine', content: 'overwritten' },
  ];
  expect(await failure(entries, into)).toBe('nothing');
  expect(readFileSync(path.join(outside, 'secret'), 'utf8')).toBe('secret');
});

test('the other names of a file that is replaced keep their contents', async () => {
  const { into, outside } = makeDirectories();
  linkSync(path.join(outside, 'secret'), path.join(into, 'file'));
  expect(await failure([{ name: 'file', content: 'new' }], into)).toBe('nothing');
  expect(readFileSync(path.join(outside, 'secret'), 'utf8')).toBe('secret');
  expect(readFileSync(path.join(into, 'file'), 'utf8')).toBe('new');
});

test('set-id bits are not taken from a stream', async () => {
  const { into } = makeDirectories();
  const entries: readonly Entry[] = [
    { kind: 'directory', name: 'd', mode: 0o2775 },
    { name: 'd/run', mode: 0o6755, content: 'x' },
  ];
  expect(await failure(entries, into)).toBe('nothing');
  expect(statSync(path.join(into, 'd')).mode & 0o7777).toBe(0o775);
  expect(statSync(path.join(into, 'd/run')).mode & 0o7777).toBe(0o755);
});

test.runIf(process.getuid?.() === 0)('root may keep owners', async () => {
  const { into } = makeDirectories();
  const stream = tarOf([{ name: 'file', uid: 1234, gid: 2345, mode: 0o4755, content: 'x' }]);
  expect((await extract(stream, into, { keepsOwners: true })).result.ok).toBe(true);
  const { uid, gid, mode } = statSync(path.join(into, 'file'));
  expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 1234, gid: 2345, mode: 0o4755 });
});

test('directories without rights are filled, and get rights and times in the end', async () => {
  const { into } = makeDirectories();
  const entries: readonly Entry[] = [
    { kind: 'directory', name: 'd', mode: 0o555, mtimeSeconds: 1000 },
    { kind: 'directory', name: 'd/e', mode: 0o500, mtimeSeconds: 2000 },
    { name: 'd/e/file', content: 'x', mtimeSeconds: 3000 },
  ];
  expect(await failure(entries, into)).toBe('nothing');
  expect(statSync(path.join(into, 'd')).mode & 0o7777).toBe(0o555);
  expect(statSync(path.join(into, 'd')).mtimeMs).toBe(1_000_000);
  expect(statSync(path.join(into, 'd/e')).mtimeMs).toBe(2_000_000);
  expect(statSync(path.join(into, 'd/e/file')).mtimeMs).toBe(3_000_000);
  // Else only root could remove them.
  for (const name of ['d', 'd/e']) chmodSync(path.join(into, name), 0o700);
});

test('devices, pipes and unknown kinds are left out with a word', async () => {
  const { into } = makeDirectories();
  const stream = tarOf([
    { kind: 'fifo', name: 'pipe' },
    { kind: 'character-device', name: 'null' },
    { name: 'file', content: 'x' },
  ]);
  const { result, notices } = await extract(stream, into);
  expect(result).toEqual({ ok: true, value: { files: 1, bytes: 1 } });
  expect(notices).toEqual(['pipe is a named pipe and is not copied', 'null is a device and is not copied']);
  expect(readdirSync(into)).toEqual(['file']);
});

test('a stream that breaks off leaves no half file, and the old one where there was one', async () => {
  const { into } = makeDirectories();
  writeFileSync(path.join(into, 'old'), 'old');
  const stream = tarOf([
    { name: 'whole', content: 'whole' },
    { name: 'old', content: 'x'.repeat(5000) },
  ]);
  const { result } = await extract(stream.subarray(0, 3000), into, { pieceBytes: 7 });
  expect(result.ok ? undefined : result.error).toMatchObject({
    isStreamBroken: true,
    diagnostic: { message: 'the tar stream is broken: the stream ends inside a file' },
  });
  expect(readdirSync(into).toSorted()).toEqual(['old', 'whole']);
  expect(readFileSync(path.join(into, 'old'), 'utf8')).toBe('old');
  const fresh = makeDirectories();
  await extract(stream.subarray(0, 3000), fresh.into);
  expect(readdirSync(fresh.into)).toEqual(['whole']);
});

test('streams with single bytes changed never get out of the directory, and end with a result', async () => {
  const { into, outside } = makeDirectories();
  const stream = tarOf([
    { kind: 'directory', name: 'd' },
    { name: `d/${'long'.repeat(60)}`, content: 'content' },
    { kind: 'symlink', name: 'd/link', linkName: '../../outside' },
    { kind: 'link', name: 'd/hard', linkName: 'd/file' },
    { name: 'd/file', content: 'x'.repeat(700) },
  ]);
  let random = 12_345;
  const next = (below: number): number => {
    random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
    return random % below;
  };
  let failures = 0;
  for (let round = 0; round < 400; round++) {
    const broken = Buffer.from(stream);
    const at = next(broken.length);
    broken[at] = next(256);
    // Half of them with a checksum that is right, so that the change is looked at.
    const header = at - (at % 512);
    if (round % 2 === 0) resum(broken.subarray(header, header + 512));
    const { result } = await extract(broken, into, { pieceBytes: 1 + next(900) });
    if (!result.ok) failures++;
  }
  expect(failures).toBeGreaterThan(50);
  expect(readdirSync(outside)).toEqual(['secret']);
  expect(statSync(path.join(outside, 'secret'))).toMatchObject({ nlink: 1, size: 6 });
  expect(readdirSync(path.dirname(into)).toSorted()).toEqual(['into', 'outside']);
});

function resum(block: Buffer): void {
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}
