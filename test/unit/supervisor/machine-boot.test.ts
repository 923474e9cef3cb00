import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ActionFailure } from '../../../src/supervisor/failure.ts';
import { specBoot, specTee } from '../../../src/supervisor/machine-boot.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'krun-spec-boot-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const place = path.join(directory, name);
  writeFileSync(place, content);
  return place;
}

function failure(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ActionFailure) return error.message.replaceAll(directory, 'DIR');
    throw error;
  }
  return 'none';
}

describe('what boots', () => {
  test('is nothing of its own unless the machine says so', () => {
    expect(specBoot(undefined)).toEqual({});
  });

  test('is of the format that is written, whatever the file looks like', () => {
    const boot = { kind: 'kernel', path: '/nowhere', format: 'elf' } as const;
    expect(specBoot(boot)).toEqual({ boot });
  });

  test.runIf(process.arch === 'x64')('is of the format that the file has', () => {
    const kernel = file('vmlinux', Buffer.from('\x7FELF', 'latin1'));
    expect(specBoot({ kind: 'kernel', path: kernel, initrd: '/i' })).toEqual({
      boot: { kind: 'kernel', path: kernel, initrd: '/i', format: 'elf' },
    });
    const arm = file('Image', Buffer.concat([Buffer.alloc(0x38), Buffer.from('ARMd')]));
    expect(failure(() => specBoot({ kind: 'kernel', path: arm }))).toBe(
      'kernel DIR/Image: on x86_64 libkrun takes a raw kernel for a bundle like libkrunfw, not for a kernel image',
    );
  });

  test('is told where it cannot be read', () => {
    const kernel = path.join(directory, 'gone');
    expect(failure(() => specBoot({ kind: 'kernel', path: kernel }))).toBe(
      'cannot read the kernel DIR/gone: ENOENT',
    );
  });

  test('is the firmware that is named, or one that is found', () => {
    const firmware = { kind: 'firmware', path: '/f' } as const;
    expect(specBoot(firmware)).toEqual({ boot: firmware });
  });
});

describe('a confidential machine', () => {
  test.each([
    ['sev', 'sev'],
    ['snp', 'sev'],
    ['tdx', 'tdx'],
  ])('of technology %s needs libkrun-%s', (tee, variant) => {
    const config = file(`${tee}.json`, JSON.stringify({ tee }));
    expect(specTee(config)).toEqual({ tee: { config, variant } });
  });

  test.each(['{}', 'tee: snp', '{"tee": "sgx"}', '[]', 'null'])(
    'is refused where its configuration %s does not say the technology',
    (text) => {
      expect(failure(() => specTee(file('bad.json', text)))).toBe(
        'the TEE configuration DIR/bad.json does not say which technology it is for',
      );
    },
  );

  test('is nothing that most machines are', () => {
    expect(specTee(undefined)).toEqual({});
  });
});
