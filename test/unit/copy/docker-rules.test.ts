import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  lstatSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { copyFromGuest } from '../../../src/copy/from-guest.ts';
import { copyToGuest } from '../../../src/copy/to-guest.ts';
import { hostGuest, userlands } from '../../support/host-guest.ts';

const base = mkdtempSync(path.join(os.tmpdir(), 'krun-copy-'));
afterAll(() => rmSync(base, { recursive: true }));

/** What `docker cp` documents, and what its implementation does where the documentation is silent. */
const CASES: readonly { readonly copy: string; readonly gives: string }[] = [
  { copy: 'file new', gives: 'new=one' },
  { copy: 'file new/', gives: 'no directory new/' },
  { copy: 'file new/.', gives: 'no directory new/.' },
  { copy: 'file missing/new', gives: 'cannot make missing/new: the directory above it does not exist' },
  { copy: 'file taken', gives: 'taken=one' },
  { copy: 'file taken/', gives: 'taken/ is no directory' },
  { copy: 'file taken/new', gives: 'cannot make taken/new: the directory above it does not exist' },
  { copy: 'file into', gives: 'into/file=one' },
  { copy: 'file into/', gives: 'into/file=one' },
  { copy: 'file into/.', gives: 'into/file=one' },
  { copy: 'file into/other', gives: 'into/other=one' },
  { copy: 'file blocked', gives: 'cannot overwrite directory file in blocked with a file' },
  { copy: 'file to-into', gives: 'into/file=one' },
  { copy: 'file to-taken', gives: 'taken=one' },
  { copy: 'file to-new', gives: 'new=one' },
  { copy: 'file to-nowhere', gives: 'cannot make to-nowhere: the directory above it does not exist' },
  { copy: 'file/ new', gives: 'file/ is no directory' },
  { copy: 'file/. new', gives: 'file/. is no directory' },
  { copy: 'missing new', gives: 'no file or directory missing' },
  { copy: 'missing/file new', gives: 'no file or directory missing/file' },
  { copy: 'directory new', gives: 'new/ new/deep/ new/deep/b=2 new/inner=two' },
  { copy: 'directory new/', gives: 'new/ new/deep/ new/deep/b=2 new/inner=two' },
  {
    copy: 'directory into',
    gives: 'into/directory/ into/directory/deep/ into/directory/deep/b=2 into/directory/inner=two',
  },
  {
    copy: 'directory/ into',
    gives: 'into/directory/ into/directory/deep/ into/directory/deep/b=2 into/directory/inner=two',
  },
  { copy: 'directory/. into', gives: 'into/deep/ into/deep/b=2 into/inner=two' },
  { copy: 'directory/. new', gives: 'new/ new/deep/ new/deep/b=2 new/inner=two' },
  { copy: 'directory taken', gives: 'cannot copy a directory to a file: taken is there' },
  { copy: 'directory/. taken', gives: 'cannot copy a directory to a file: taken is there' },
  { copy: 'directory missing/new', gives: 'cannot make missing/new: the directory above it does not exist' },
  {
    copy: 'directory occupied',
    gives: 'cannot overwrite directory in occupied, which is no directory, with a directory',
  },
  { copy: 'directory/./deep/.. new', gives: 'new/ new/deep/ new/deep/b=2 new/inner=two' },
  { copy: 'link new', gives: 'new->file' },
  { copy: '-L link new', gives: 'new=one' },
  { copy: '-L link into', gives: 'into/link=one' },
  { copy: 'link taken', gives: 'taken->file' },
  { copy: 'dangling new', gives: 'new->nothing' },
  { copy: 'directory-link new', gives: 'new->directory' },
  {
    copy: '-L directory-link into',

    gives:
      'into/directory-link/ into/directory-link/deep/ into/directory-link/deep/b=2 into/directory-link/inner=two',
  },
  {
    copy: 'directory-link/ into',
    gives:
      'into/directory-link/ into/directory-link/deep/ into/directory-link/deep/b=2 into/directory-link/inner=two',
  },
  { copy: 'directory-link/. into', gives: 'into/deep/ into/deep/b=2 into/inner=two' },
];

function parse(copy: string) {
  const [source = '', destination = ''] = copy.replace(/^-L /, '').split(' ');
  return { source, destination, followsLink: copy.startsWith('-L ') };
}

function makeSources(directory: string): void {
  mkdirSync(path.join(directory, 'directory/deep'), { recursive: true });
  writeFileSync(path.join(directory, 'file'), 'one');
  writeFileSync(path.join(directory, 'directory/inner'), 'two');
  writeFileSync(path.join(directory, 'directory/deep/b'), '2');
  symlinkSync('file', path.join(directory, 'link'));
  symlinkSync('nothing', path.join(directory, 'dangling'));
  symlinkSync('directory', path.join(directory, 'directory-link'));
}

function makeDestinations(directory: string): void {
  for (const name of ['into', 'blocked/file', 'occupied']) {
    mkdirSync(path.join(directory, name), { recursive: true });
  }
  writeFileSync(path.join(directory, 'taken'), 'old');
  writeFileSync(path.join(directory, 'occupied/directory'), 'old');
  symlinkSync('into', path.join(directory, 'to-into'));
  symlinkSync(path.join(directory, 'taken'), path.join(directory, 'to-taken'));
  symlinkSync('new', path.join(directory, 'to-new'));
  symlinkSync('missing/new', path.join(directory, 'to-nowhere'));
}

/** `name=content`, `name/`, `name->target`, sorted. */
function list(directory: string, prefix = ''): string[] {
  return readdirSync(directory)
    .toSorted()
    .flatMap((name) => {
      const file = path.join(directory, name);
      const stat = lstatSync(file);
      if (stat.isSymbolicLink()) return [`${prefix}${name}->${readlinkSync(file)}`];
      if (stat.isDirectory()) return [`${prefix}${name}/`, ...list(file, `${prefix}${name}/`)];
      return [`${prefix}${name}=${readFileSync(file, 'utf8')}`];
    });
}

describe.each(userlands(base))('by the rules of docker cp, with the tools of $name', (userland) => {
  let turn = 0;
  const makeDirectories = () => {
    const directory = path.join(base, `${userland.name}-${turn++}`);
    const from = path.join(directory, 'from');
    const to = path.join(directory, 'to');
    mkdirSync(from, { recursive: true });
    mkdirSync(to);
    makeSources(from);
    makeDestinations(to);
    return { from, to, before: new Set(list(to)) };
  };

  test.each(CASES)('into a guest: cp $copy', async ({ copy, gives }) => {
    const { from, to, before } = makeDirectories();
    const { source, destination, followsLink } = parse(copy);
    const result = await copyToGuest(hostGuest(userland), {
      source: { path: source, workingDirectory: from, followsLink },
      destination: `${to}/${destination}`,
      named: destination,
      keepsOwners: false,
    });
    const changed = list(to).filter((line) => !before.has(line));
    expect(result.ok ? changed.join(' ') : result.error.message).toBe(gives);
    if (!result.ok) expect(changed).toEqual([]);
  });

  test.each(CASES)('out of a guest: cp $copy', async ({ copy, gives }) => {
    const { from, to, before } = makeDirectories();
    const { source, destination, followsLink } = parse(copy);
    const result = await copyFromGuest(hostGuest(userland), {
      source: `${from}/${source}`,
      named: source,
      followsLink,
      destination: { path: destination, workingDirectory: to },
      keepsOwners: false,
    });
    const changed = list(to).filter((line) => !before.has(line));
    expect(result.ok ? changed.join(' ') : result.error.message).toBe(gives);
    if (!result.ok) expect(changed).toEqual([]);
  });
});
