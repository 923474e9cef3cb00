import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import * as tarStream from 'tar-stream';
import { afterAll, expect, test } from 'vitest';
import { ByteSource } from '../../../src/copy/byte-source.ts';
import { bytesOf, pathOf, shown } from '../../../src/copy/bytes.ts';
import { extractTar } from '../../../src/copy/extract.ts';
import { packTar } from '../../../src/copy/pack.ts';
import { repackTar } from '../../../src/copy/repack.ts';
import { decodeHeader, encodeHeader, type TarHeader } from '../../../src/copy/tar-header.ts';
import { readTar } from '../../../src/copy/tar-read.ts';

const base = mkdtempSync(path.join(os.tmpdir(), 'krun-tar-'));
afterAll(() => rmSync(base, { recursive: true }));

const HEADER: TarHeader = {
  kind: 'file',
  name: 'name',
  linkName: '',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtimeSeconds: 0,
};

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

async function headersOf(stream: Buffer): Promise<readonly TarHeader[]> {
  const headers: TarHeader[] = [];
  for await (const { header } of readTar(new ByteSource(once(stream)))) headers.push(header);
  return headers;
}

test.each<Partial<TarHeader>>([
  { size: 8 ** 11 },
  { size: 2 ** 52 },
  { uid: 2 ** 32 - 2, gid: 8 ** 7 },
  { mtimeSeconds: -86_400 },
  { mtimeSeconds: 8 ** 11 },
  { mode: 0o7777, kind: 'directory', name: 'd/' },
])('a header survives: %o', (change) => {
  expect(decodeHeader(encodeHeader({ ...HEADER, ...change }))).toEqual({ ...HEADER, ...change });
});

test('names and links of any length and with any bytes but NUL survive', async () => {
  const bytes = Array.from({ length: 255 }, (_, index) => String.fromCharCode(index + 1)).join('');
  for (const length of [1, 99, 100, 101, 155, 255, 256, 511, 512, 513, 4095]) {
    const name = `x${bytes.repeat(20)}`.slice(0, length).replace(/\/$/, 'y');
    const header = { ...HEADER, kind: 'symlink', name, linkName: bytes.repeat(20).slice(0, length) } as const;
    const stream = Buffer.concat([encodeHeader(header), Buffer.alloc(1024)]);
    expect(await headersOf(stream)).toEqual([header]);
  }
});

test('streams of tar-stream, which writes pax, are read', async () => {
  const pack = tarStream.pack();
  pack.entry({ name: 'é'.repeat(80), mtime: new Date(5000) }, 'contents');
  pack.entry({ name: 'link', type: 'symlink', linkname: `${'ü'.repeat(80)}\nx` });
  pack.entry({ name: `${'p'.repeat(90)}/${'n'.repeat(90)}` }, 'y');
  pack.finalize();
  const headers = await headersOf(await buffer(pack));
  expect(headers.map(({ name, linkName, size }) => ({ name, linkName, size }))).toEqual([
    { name: bytesOf('é'.repeat(80)), linkName: '', size: 8 },
    { name: 'link', linkName: bytesOf(`${'ü'.repeat(80)}\nx`), size: 0 },
    { name: `${'p'.repeat(90)}/${'n'.repeat(90)}`, linkName: '', size: 1 },
  ]);
});

test('what is packed is read by tar-stream', async () => {
  const directory = path.join(base, 'packed');
  mkdirSync(path.join(directory, 'deep'), { recursive: true });
  writeFileSync(path.join(directory, 'deep', 'n'.repeat(200)), 'x'.repeat(1_000_000));
  symlinkSync('l'.repeat(200), path.join(directory, 'link'));
  const stream = Buffer.concat([...packTar([{ from: directory, to: 'top' }], { keepsOwners: false })]);
  const extract = tarStream.extract();
  const seen: unknown[] = [];
  extract.on('entry', ({ name, type, size, linkname, uid }, entry, next) => {
    seen.push({ name, type, size, linkname, uid });
    entry.on('end', () => next()).resume();
  });
  extract.end(stream);
  await new Promise<void>((resolve, reject) => extract.on('finish', () => resolve()).on('error', reject));
  expect(seen).toEqual([
    { name: 'top/', type: 'directory', size: 0, linkname: null, uid: 0 },
    { name: 'top/deep/', type: 'directory', size: 0, linkname: null, uid: 0 },
    { name: `top/deep/${'n'.repeat(200)}`, type: 'file', size: 1_000_000, linkname: null, uid: 0 },
    { name: 'top/link', type: 'symlink', size: 0, linkname: 'l'.repeat(200), uid: 0 },
  ]);
});

test.each([
  ['gnu', ['--format=gnu']],
  ['pax', ['--format=pax']],
  ['ustar', ['--format=ustar']],
])('streams of GNU tar in the form %s are read', async (form, options) => {
  const from = path.join(base, `from-${form}`);
  const to = path.join(base, `to-${form}`);
  mkdirSync(path.join(from, 'd'.repeat(90), 'e'.repeat(50)), { recursive: true });
  mkdirSync(to);
  writeFileSync(path.join(from, 'd'.repeat(90), 'e'.repeat(50), 'file'), 'text');
  if (form !== 'ustar') writeFileSync(pathOf(`${bytesOf(from)}/\xff\xfe odd`), 'bytes');
  const { stdout, status } = spawnSync('tar', ['-c', ...options, '-f', '-', '-C', from, '.']);
  expect(status).toBe(0);
  const place = (parts: readonly string[]) => parts;
  const options2 = { directory: bytesOf(to), place, keepsOwners: false };
  expect((await extractTar(new ByteSource(once(stdout)), options2)).ok).toBe(true);
  expect(tree(bytesOf(to))).toEqual(tree(bytesOf(from)));
});

test('trees with random names survive packing, repacking and extracting', async () => {
  let random = 4711;
  const next = (below: number): number => {
    random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((random / 2_147_483_648) * below);
  };
  const name = (): string => {
    const length = 1 + next(next(4) === 0 ? 250 : 20);
    const text = Array.from({ length }, () => String.fromCharCode(1 + next(255)))
      .join('')
      .replaceAll('/', '-');
    return text === '.' || text === '..' ? 'dots' : text;
  };
  for (let round = 0; round < 10; round++) {
    const from = `${bytesOf(base)}/random-${round}`;
    const to = `${bytesOf(base)}/random-${round}-copy`;
    const directories = [from];
    for (const directory of [from, to]) mkdirSync(pathOf(directory));
    for (let count = 0; count < 40; count++) {
      const at = `${directories[next(directories.length)]}/${name()}`;
      if (at.length > 3000 || lstatSync(pathOf(at), { throwIfNoEntry: false })) continue;
      const kind = next(4);
      if (kind === 0) {
        mkdirSync(pathOf(at));
        directories.push(at);
      } else if (kind === 1) symlinkSync(pathOf(name()), pathOf(at));
      else writeFileSync(pathOf(at), 'x'.repeat(next(3000)), { mode: 0o600 + next(0o200) });
    }
    const packed = Buffer.concat([...packTar([{ from, to: '' }], { keepsOwners: false })]);
    const repacked: Buffer[] = [];
    const identity = (text: string) => text;
    for await (const piece of repackTar(new ByteSource(once(packed)), { rename: identity }))
      repacked.push(piece);
    const options = { directory: to, place: (parts: readonly string[]) => parts, keepsOwners: false };
    const result = await extractTar(new ByteSource(once(Buffer.concat(repacked))), options);
    expect(result.ok).toBe(true);
    expect(tree(to)).toEqual(tree(from));
  }
});

test('sockets and pipes are left out with a word, and a file that shrinks is filled up', () => {
  const directory = path.join(base, 'odd');
  mkdirSync(directory);
  spawnSync('mkfifo', [path.join(directory, 'pipe')]);
  writeFileSync(path.join(directory, 'shrinks'), 'x'.repeat(1_000_000));
  const notices: string[] = [];
  let bytes = 0;
  const pieces = packTar([{ from: directory, to: 'odd' }], {
    keepsOwners: false,
    onNotice: ({ severity, message }) => notices.push(`${severity}: ${message}`),
  });
  for (const piece of pieces) {
    bytes += piece.length;
    if (bytes > 100_000) writeFileSync(path.join(directory, 'shrinks'), '');
  }
  expect(notices).toEqual([
    `warning: ${directory}/pipe is a named pipe and is not copied`,
    `error: ${directory}/shrinks became shorter while it was read; zeros fill the copy`,
  ]);
  expect(bytes).toBe(512 + 512 + Math.ceil(1_000_000 / 512) * 512 + 1024);
});

test('names are shown on one line', () => {
  expect(shown(bytesOf('é\n\t\\\u001B[31m'))).toBe('é\\n\\t\\\\\\x1b[31m');
  expect(shown('\xff\xfea')).toBe('\\xff\\xfea');
});

/** Names, kinds, modes and contents below a directory. */
function tree(directory: string): readonly string[] {
  return readdirSync(pathOf(directory), 'latin1')
    .toSorted()
    .flatMap((name) => {
      const file = `${directory}/${name}`;
      const stat = lstatSync(pathOf(file));
      const line = `${name} ${stat.mode.toString(8)} ${Math.floor(stat.mtimeMs / 1000)}`;
      if (stat.isDirectory()) return [line, ...tree(file).map((each) => `${name}/${each}`)];
      return [`${line} ${stat.isFile() ? readFileSync(pathOf(file), 'latin1') : ''}`];
    });
}
