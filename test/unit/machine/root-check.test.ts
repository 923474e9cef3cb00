import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkRoot, checkShares, resolveInRoot } from '../../../src/machine/root-check.ts';

/** The first bytes of a program for x86-64. */
const ELF_X64 = Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 62, 0]);

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'krun-root-'));
  mkdirSync(path.join(root, 'bin'));
});
afterEach(() => rmSync(root, { recursive: true }));

function message(needsShell = true, arch = 'x64'): string | undefined {
  return checkRoot(root, needsShell, arch)?.message.replaceAll(root, 'ROOT');
}

describe('a root directory', () => {
  it('needs a shell, unless the guest is started without one', () => {
    expect(message()).toBe('root ROOT has no /bin/sh');
    expect(message(false)).toBeUndefined();
  });

  it('may have its shell behind links that are absolute in the guest', () => {
    mkdirSync(path.join(root, 'usr/bin'), { recursive: true });
    writeFileSync(path.join(root, 'usr/bin/dash'), ELF_X64);
    symlinkSync('/usr/bin/dash', path.join(root, 'bin/sh'));
    expect(resolveInRoot(root, '/bin/sh')).toBe(path.join(root, 'usr/bin/dash'));
    expect(message()).toBeUndefined();
  });

  it('cannot borrow the shell of the host', () => {
    symlinkSync('../../../../../../../bin/sh', path.join(root, 'bin/sh'));
    expect(resolveInRoot(root, '/bin/sh')).toBeUndefined();
  });

  it('may have links in a circle, which lead nowhere', () => {
    symlinkSync('/bin/sh', path.join(root, 'bin/sh'));
    expect(message()).toBe('root ROOT has no /bin/sh');
  });

  it('needs a shell for the processor of the host', () => {
    writeFileSync(path.join(root, 'bin/sh'), ELF_X64);
    chmodSync(path.join(root, 'bin/sh'), 0o755);
    expect(message(true, 'x64')).toBeUndefined();
    expect(message(true, 'arm64')).toBe('/bin/sh in root ROOT is for x64, and this host is arm64');
  });

  it('has no shell where a file is in the way of it', () => {
    rmSync(path.join(root, 'bin'), { recursive: true });
    writeFileSync(path.join(root, 'bin'), '');
    expect(message()).toBe('root ROOT has no /bin/sh');
  });

  it('has to be a directory that exists', () => {
    expect(checkRoot(path.join(root, 'nope'), false, 'x64')?.message).toMatch(/does not exist$/);
    writeFileSync(path.join(root, 'disk.img'), '');
    expect(checkRoot(path.join(root, 'disk.img'), false, 'x64')?.message).toMatch(/is not a directory$/);
    expect(checkRoot(path.join(root, 'disk.img/root'), false, 'x64')?.message).toMatch(/does not exist$/);
  });
});

it('a share is refused that is not there, also below a file', () => {
  writeFileSync(path.join(root, 'file'), '');
  const share = { tag: 'data', path: path.join(root, 'file/data'), readOnly: false, daxBytes: 0 };
  expect(checkShares([share])?.message).toMatch(/file\/data is not a directory, or does not exist$/);
});
