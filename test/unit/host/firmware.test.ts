import { expect, test } from 'vitest';
import { findFirmware } from '../../../src/host/firmware.ts';

test('firmware is looked for beside krunkit first, wherever a link in PATH leads', () => {
  const links: Readonly<Record<string, string>> = {
    '/opt/homebrew/bin/krunkit': '/opt/homebrew/Cellar/krunkit/1.3.1/bin/krunkit',
  };
  const host = {
    os: 'darwin',
    programDirectories: ['/usr/bin', '/opt/homebrew/bin'],
    realPath: (file: string) => links[file],
  };
  const found = findFirmware(host);
  expect(found.ok ? [] : found.error.slice(0, 3)).toEqual([
    '/opt/homebrew/Cellar/krunkit/1.3.1/bin/../share/krunkit/KRUN_EFI.silent.fd',
    '/opt/homebrew/Cellar/krunkit/1.3.1/bin/share/krunkit/KRUN_EFI.silent.fd',
    '/opt/homebrew/share/krunkit/KRUN_EFI.silent.fd',
  ]);
});

test('a system of which nothing is known has no usual places', () => {
  const host = { os: 'freebsd', programDirectories: [], realPath: () => undefined };
  expect(findFirmware(host)).toEqual({ ok: false, error: [] });
});

test('firmware is not looked for from where krun happens to be', () => {
  const host = { os: 'freebsd', programDirectories: ['', '.', 'bin'], realPath: (file: string) => file };
  expect(findFirmware(host)).toEqual({ ok: false, error: [] });
});

test('the first place that has firmware is the one', () => {
  const place = '/usr/share/krunkit/KRUN_EFI.silent.fd';
  const realPath = (file: string): string | undefined => (file === place ? file : undefined);
  expect(findFirmware({ os: 'linux', programDirectories: ['/usr/bin'], realPath })).toEqual({
    ok: true,
    value: place,
  });
});
