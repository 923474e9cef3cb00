import { expect, test } from 'vitest';
import { firmwarePlaces } from '../../../src/host/firmware.ts';

test('firmware is looked for beside krunkit first, wherever a link in PATH leads', () => {
  const links: Readonly<Record<string, string>> = {
    '/opt/homebrew/bin/krunkit': '/opt/homebrew/Cellar/krunkit/1.3.1/bin/krunkit',
  };
  const host = {
    os: 'darwin',
    programDirectories: ['/usr/bin', '/opt/homebrew/bin'],
    realPath: (file: string) => links[file],
  };
  expect(firmwarePlaces(host).slice(0, 3)).toEqual([
    '/opt/homebrew/Cellar/krunkit/1.3.1/bin/../share/krunkit/KRUN_EFI.silent.fd',
    '/opt/homebrew/Cellar/krunkit/1.3.1/bin/share/krunkit/KRUN_EFI.silent.fd',
    '/opt/homebrew/share/krunkit/KRUN_EFI.silent.fd',
  ]);
});

test('a system of which nothing is known has no usual places', () => {
  expect(firmwarePlaces({ os: 'freebsd', programDirectories: [], realPath: () => undefined })).toEqual([]);
});
