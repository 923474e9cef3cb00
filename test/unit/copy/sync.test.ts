import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Diagnostic } from '../../../src/base/diagnostic.ts';
import type { SyncRequest } from '../../../src/copy/api.ts';
import { syncFiles } from '../../../src/copy/sync.ts';
import { hostGuest, userlands, without } from '../../support/host-guest.ts';

const base = mkdtempSync(path.join(os.tmpdir(), 'krun-sync-'));
afterAll(() => rmSync(base, { recursive: true }));

describe.each(userlands(base))('sync with the tools of $name', (userland) => {
  let turn = 0;
  const makeSides = () => {
    const directory = path.join(base, `${userland.name}-${turn++}`);
    const host = path.join(directory, 'host');
    const guest = path.join(directory, 'guest/app');
    mkdirSync(host, { recursive: true });
    return { host, guest };
  };
  const sync = async (request: SyncRequest, calls: string[] = []) => {
    const notices: Diagnostic[] = [];
    const result = await syncFiles(hostGuest(userland, calls), request, {
      onNotice: (notice) => notices.push(notice),
    });
    if (!result.ok) throw new Error(`${result.error.message}\n${result.error.hint}`);
    return { ...result.value, notices };
  };

  test('a whole tree arrives with modes, times, links and empty directories', async () => {
    const { host, guest } = makeSides();
    mkdirSync(path.join(host, 'src/deep'), { recursive: true });
    mkdirSync(path.join(host, 'empty'));
    writeFileSync(path.join(host, 'src/deep/run.sh'), 'echo', { mode: 0o755 });
    utimesSync(path.join(host, 'src/deep/run.sh'), 1_000_000_000, 1_000_000_000);
    writeFileSync(path.join(host, 'plain'), 'text');
    linkSync(path.join(host, 'plain'), path.join(host, 'src/hard'));
    symlinkSync('deep/run.sh', path.join(host, 'src/link'));
    chmodSync(path.join(host, 'src/deep'), 0o750);
    const report = await sync({ target: guest, files: [{ from: host, to: '' }], deleted: [] });
    expect(report).toMatchObject({ files: 4, bytes: 8, deleted: 0, vanished: [], notices: [] });
    const arrived = statSync(path.join(guest, 'src/deep/run.sh'));
    expect(arrived.mode & 0o7777).toBe(0o755);
    expect(arrived.mtimeMs).toBe(1_000_000_000_000);
    expect(statSync(path.join(guest, 'src/deep')).mode & 0o7777).toBe(0o750);
    expect(statSync(path.join(guest, 'src/hard')).ino).toBe(statSync(path.join(guest, 'plain')).ino);
    expect(readlinkSync(path.join(guest, 'src/link'))).toBe('deep/run.sh');
    expect(readdirSync(path.join(guest, 'empty'))).toEqual([]);
  });

  test('changes and deletions go in one session, and nothing else is left', async () => {
    const { host, guest } = makeSides();
    mkdirSync(path.join(host, 'a/b'), { recursive: true });
    for (const name of ['a/b/kept', 'a/old', 'changed']) writeFileSync(path.join(host, name), 'first');
    await sync({ target: guest, files: [{ from: host, to: '' }], deleted: [] });
    writeFileSync(path.join(guest, 'of-the-guest'), 'mine');
    writeFileSync(path.join(host, 'changed'), 'second');
    mkdirSync(path.join(host, 'new/deep'), { recursive: true });
    writeFileSync(path.join(host, 'new/deep/file'), 'third');
    const calls: string[] = [];
    const files = ['changed', 'new/deep/file'].map((to) => ({ from: path.join(host, to), to }));
    await sync({ target: guest, files, deleted: ['a/old', 'never/was', 'changed/never'] }, calls);
    expect(calls).toHaveLength(1);
    expect(calls[0]).not.toContain('third');
    expect(readdirSync(guest).toSorted()).toEqual(['a', 'changed', 'new', 'of-the-guest']);
    expect(readdirSync(path.dirname(guest))).toEqual(['app']);
    expect(readFileSync(path.join(guest, 'changed'), 'utf8')).toBe('second');
    expect(readFileSync(path.join(guest, 'new/deep/file'), 'utf8')).toBe('third');
    expect(readdirSync(path.join(guest, 'a'))).toEqual(['b']);
  });

  test('a file becomes a directory, a directory a file, and a link either', async () => {
    const { host, guest } = makeSides();
    mkdirSync(path.join(guest, 'tree/deep'), { recursive: true });
    writeFileSync(path.join(guest, 'tree/deep/x'), 'x');
    writeFileSync(path.join(guest, 'flat'), 'x');
    symlinkSync('nothing', path.join(guest, 'dangling'));
    symlinkSync('flat', path.join(guest, 'link'));
    writeFileSync(path.join(host, 'tree'), 'file now');
    mkdirSync(path.join(host, 'flat'));
    writeFileSync(path.join(host, 'flat/inner'), 'directory now');
    mkdirSync(path.join(host, 'dangling'));
    writeFileSync(path.join(host, 'link'), 'file now');
    await sync({ target: guest, files: [{ from: host, to: '' }], deleted: [] });
    expect(readFileSync(path.join(guest, 'tree'), 'utf8')).toBe('file now');
    expect(readFileSync(path.join(guest, 'flat/inner'), 'utf8')).toBe('directory now');
    expect(lstatSync(path.join(guest, 'dangling')).isDirectory()).toBe(true);
    expect(lstatSync(path.join(guest, 'link')).isSymbolicLink()).toBe(false);
  });

  test('a linked directory of the guest stays a link and is written into', async () => {
    const { host, guest } = makeSides();
    mkdirSync(path.join(guest, 'real'), { recursive: true });
    symlinkSync('real', path.join(guest, 'linked'));
    mkdirSync(path.join(host, 'linked'));
    writeFileSync(path.join(host, 'linked/file'), 'x');
    await sync({ target: guest, files: [{ from: host, to: '' }], deleted: [] });
    expect(readlinkSync(path.join(guest, 'linked'))).toBe('real');
    expect(readdirSync(path.join(guest, 'real'))).toEqual(['file']);
  });

  test('thousands of files with any name are replaced and deleted in one session', async () => {
    const { host, guest } = makeSides();
    const odd = [
      "it's",
      'two\nlines',
      '-rf',
      '$(touch x)',
      '`id`',
      'tab\t',
      ' ',
      '*',
      '\\',
      'é€😀',
      '"',
      '-',
      '~',
    ];
    const names = [
      ...odd,
      ...Array.from({ length: 1500 }, (_, index) => `${'n'.repeat(index % 200)}${index}`),
    ];
    mkdirSync(path.join(host, '-d'), { recursive: true });
    for (const name of names) writeFileSync(path.join(host, '-d', name), 'first');
    await sync({ target: guest, files: [{ from: host, to: '' }], deleted: [] });
    for (const name of names) writeFileSync(path.join(host, '-d', name), 'second!');
    const calls: string[] = [];
    const report = await sync({ target: guest, files: [{ from: host, to: '' }], deleted: [] }, calls);
    expect(report.files).toBe(names.length);
    expect(readdirSync(path.join(guest, '-d')).toSorted()).toEqual(names.toSorted());
    for (const name of names) expect(statSync(path.join(guest, '-d', name)).size).toBe(7);
    await sync({ target: guest, files: [], deleted: names.map((name) => `-d/${name}`) }, calls);
    expect(readdirSync(path.join(guest, '-d'))).toEqual([]);
    expect(calls).toHaveLength(2);
  });

  test('a reader that has a file open keeps what it opened: files are renamed, not written over', async () => {
    const { host, guest } = makeSides();
    writeFileSync(path.join(host, 'file'), 'first');
    const files = [{ from: path.join(host, 'file'), to: 'file' }];
    await sync({ target: guest, files, deleted: [] });
    const before = statSync(path.join(guest, 'file')).ino;
    linkSync(path.join(guest, 'file'), path.join(guest, 'witness'));
    writeFileSync(path.join(host, 'file'), 'second');
    await sync({ target: guest, files, deleted: [] });
    expect(statSync(path.join(guest, 'file')).ino).not.toBe(before);
    expect(readFileSync(path.join(guest, 'witness'), 'utf8')).toBe('first');
  });

  test('ignored paths stay, vanished ones are named, and names do not leave the target', async () => {
    const { host, guest } = makeSides();
    mkdirSync(path.join(host, 'node_modules/x'), { recursive: true });
    writeFileSync(path.join(host, 'node_modules/x/index.js'), '');
    writeFileSync(path.join(host, 'kept'), '');
    const report = await sync({
      target: guest,
      files: [
        { from: host, to: '../../..' },
        { from: path.join(host, 'gone'), to: 'gone' },
      ],
      deleted: ['../../../kept', ''],
      ignores: (file, isDirectory) => isDirectory && path.basename(file) === 'node_modules',
    });
    expect(report.vanished).toEqual(['gone']);
    expect(report.deleted).toBe(1);
    expect(readdirSync(guest)).toEqual(['kept']);
  });

  test('a stream that cannot be unpacked changes nothing', async () => {
    const { host, guest } = makeSides();
    mkdirSync(guest, { recursive: true });
    writeFileSync(path.join(guest, 'file'), 'first');
    writeFileSync(path.join(host, 'file'), 'second');
    const bin = path.join(base, `broken-${userland.name}`);
    const broken = without(userland, ['tar'], bin);
    writeFileSync(
      path.join(broken.path, 'tar'),
      '#!/bin/sh\necho "tar: write error: No space left on device" >&2; exit 2\n',
      { mode: 0o755 },
    );
    const files = [{ from: path.join(host, 'file'), to: 'file' }];
    const result = await syncFiles(hostGuest(broken), { target: guest, files, deleted: ['file'] });
    expect(result.ok ? undefined : result.error).toMatchObject({
      message: 'copying ended with 2 in the guest: tar: write error: No space left on device',
      hint: "the guest's disk is full; free some space in it, or give it a larger one",
    });
    expect(readFileSync(path.join(guest, 'file'), 'utf8')).toBe('first');
    expect(readdirSync(path.dirname(guest))).toEqual(['app']);
  });

  test.each(['tar', 'mv', 'rm', 'mkdir'])('a guest without %s is told', async (tool) => {
    const { host, guest } = makeSides();
    const bare = without(userland, [tool], path.join(base, `bare-${userland.name}`));
    const result = await syncFiles(hostGuest(bare), {
      target: guest,
      files: [{ from: host, to: '' }],
      deleted: [],
    });
    expect(result.ok ? undefined : result.error.message).toBe(`the guest has no ${tool}`);
  });

  test('a target that cannot be made is told with the reason', async () => {
    const { host, guest } = makeSides();
    mkdirSync(path.dirname(guest), { recursive: true });
    writeFileSync(guest, 'a file');
    const result = await syncFiles(hostGuest(userland), {
      target: guest,
      files: [{ from: host, to: '' }],
      deleted: [],
    });
    expect(result.ok ? '' : result.error.message).toMatch(
      /^copying ended with 1 in the guest: mkdir: .*File exists$/,
    );
  });

  test('a renamed directory is gone under its old name', async () => {
    const { host, guest } = makeSides();
    mkdirSync(path.join(host, 'one'));
    writeFileSync(path.join(host, 'one/file'), 'x');
    await sync({ target: guest, files: [{ from: host, to: '' }], deleted: [] });
    renameSync(path.join(host, 'one'), path.join(host, 'two'));
    await sync({ target: guest, files: [{ from: path.join(host, 'two'), to: 'two' }], deleted: ['one'] });
    expect(existsSync(path.join(guest, 'one'))).toBe(false);
    expect(readdirSync(path.join(guest, 'two'))).toEqual(['file']);
  });
});
