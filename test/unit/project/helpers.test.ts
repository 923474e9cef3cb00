import { expect, test } from 'vitest';
import {
  helperInstallHint,
  helperVersionProblem,
  isOlderVersion,
  parseHelperVersion,
  systemOfOsRelease,
  usualHelperPlaces,
  type HelperSystem,
} from '../../../src/project/helpers.ts';

const debian: HelperSystem = { platform: 'linux', distribution: 'debian', release: '13' };

test('the way to install a helper is told for each system', () => {
  const systems: readonly HelperSystem[] = [
    debian,
    { ...debian, release: '12' },
    { platform: 'linux', distribution: 'ubuntu', release: '24.04', like: ['debian'] },
    { platform: 'linux', distribution: 'ubuntu', release: '25.10', like: ['debian'] },
    { platform: 'linux', distribution: 'linuxmint', release: '23', like: ['ubuntu', 'debian'] },
    { platform: 'linux', distribution: 'fedora', release: '43' },
    { platform: 'linux', distribution: 'arch' },
    { platform: 'linux', distribution: 'opensuse-tumbleweed', like: ['opensuse', 'suse'] },
    { platform: 'linux', distribution: 'alpine' },
    { platform: 'linux' },
    { platform: 'darwin' },
    { platform: 'win32' },
  ];
  expect(systems.map((system) => helperInstallHint('gvproxy', system)).join('\n')).toMatchInlineSnapshot(`
    "install it: \`sudo apt install gvproxy\`; or name the program in KRUN_GVPROXY
    install it: \`go install github.com/containers/gvisor-tap-vsock/cmd/gvproxy@v0.8.9\` (Debian 12 has no package); or name the program in KRUN_GVPROXY
    install it: \`go install github.com/containers/gvisor-tap-vsock/cmd/gvproxy@v0.8.9\` (the package of Ubuntu 24.04 is too old); or name the program in KRUN_GVPROXY
    install it: \`sudo apt install gvproxy\`; or name the program in KRUN_GVPROXY
    install it: \`sudo apt install gvproxy\`; or name the program in KRUN_GVPROXY
    install it: \`sudo dnf install gvisor-tap-vsock\`; or name the program in KRUN_GVPROXY
    install it: \`sudo pacman -S gvisor-tap-vsock\`; or name the program in KRUN_GVPROXY
    install it: \`sudo zypper install gvisor-tap-vsock\`; or name the program in KRUN_GVPROXY
    install it: \`go install github.com/containers/gvisor-tap-vsock/cmd/gvproxy@v0.8.9\`; or name the program in KRUN_GVPROXY
    install it: \`go install github.com/containers/gvisor-tap-vsock/cmd/gvproxy@v0.8.9\`; or name the program in KRUN_GVPROXY
    install it: \`brew install podman\` (which brings gvproxy); or name the program in KRUN_GVPROXY
    gvproxy runs on Linux and macOS only"
  `);
  expect(systems.map((system) => helperInstallHint('passt', system)).join('\n')).toMatchInlineSnapshot(`
    "install it: \`sudo apt install passt\`; or name the program in KRUN_PASST
    install it: \`sudo apt install passt\`; or name the program in KRUN_PASST
    install it: \`sudo apt install passt\`; or name the program in KRUN_PASST
    install it: \`sudo apt install passt\`; or name the program in KRUN_PASST
    install it: \`sudo apt install passt\`; or name the program in KRUN_PASST
    install it: \`sudo dnf install passt\`; or name the program in KRUN_PASST
    install it: \`sudo pacman -S passt\`; or name the program in KRUN_PASST
    install it: \`sudo zypper install passt\`; or name the program in KRUN_PASST
    install it: passt from your system's packages; or name the program in KRUN_PASST
    install it: passt from your system's packages; or name the program in KRUN_PASST
    passt runs on Linux only
    passt runs on Linux only"
  `);
  expect(helperInstallHint('vmnet-helper', { platform: 'darwin' })).toMatchInlineSnapshot(
    `"install it: \`brew tap nirs/vmnet-helper && brew trust nirs/vmnet-helper && brew install vmnet-helper\`; or name the program in KRUN_VMNET_HELPER"`,
  );
});

test('what a helper prints for its version is read, whoever built it', () => {
  const read = (text: string): string | undefined => parseHelperVersion('gvproxy', text);
  expect(read('gvproxy version v0.8.9')).toBe('0.8.9');
  expect(read('gvproxy version 0.7.2+ds1\n')).toBe('0.7.2');
  expect(read('gvproxy version v0.8.10-dirty')).toBe('0.8.10');
  expect(read('gvproxy version (devel)')).toBeUndefined();
  expect(read('gvproxy version v0.0.0-20260101000000-abcdef')).toBeUndefined();
  expect(parseHelperVersion('passt', 'passt 0.0~git20250503.587980c-2\nCopyright')).toBe('2025-05-03');
  expect(parseHelperVersion('passt', 'passt 2025_02_17.a1e48a0')).toBe('2025-02-17');
  expect(parseHelperVersion('passt', 'passt unknown version\nCopyright Red Hat')).toBeUndefined();
  expect(parseHelperVersion('vmnet-helper', 'version: v0.13.0\ncommit: abc')).toBe('0.13.0');
});

test('versions are compared number by number, and an unknown one counts as new', () => {
  expect(isOlderVersion('0.8.9', '0.8.10')).toBe(true);
  expect(isOlderVersion('0.8.10', '0.8.9')).toBe(false);
  expect(isOlderVersion('0.8', '0.8.0')).toBe(false);
  expect(isOlderVersion('1.0.0', '0.9.9')).toBe(false);
  expect(isOlderVersion('2023-03-09', '2025-05-03')).toBe(true);
  expect(isOlderVersion(undefined, '0.8.0')).toBe(false);
});

test('a helper that is too old is told with the reason', () => {
  expect(helperVersionProblem('gvproxy', '0.7.2')).toBe(
    'gvproxy 0.7.2 is too old: krun needs 0.8.0 or newer, older ones always take port 2222 of the host',
  );
  expect(helperVersionProblem('gvproxy', '0.8.1')).toBeUndefined();
  expect(helperVersionProblem('gvproxy', undefined)).toBeUndefined();
  expect(helperVersionProblem('passt', '2021-01-01')).toBeUndefined();
});

test("podman's directories and Go's are usual places of gvproxy", () => {
  const linux = usualHelperPlaces('gvproxy', 'linux', '/home/ann');
  expect(linux).toContain('/usr/libexec/podman/gvproxy');
  expect(linux.at(-1)).toBe('/home/ann/go/bin/gvproxy');
  expect(usualHelperPlaces('gvproxy', 'darwin')).toContain('/opt/homebrew/opt/podman/libexec/podman/gvproxy');
  expect(usualHelperPlaces('vmnet-helper', 'darwin')).toContain('/opt/vmnet-helper/bin/vmnet-helper');
  expect(usualHelperPlaces('passt', 'darwin')).toEqual([]);
});

test('os-release is read with and without quotes', () => {
  const text = `PRETTY_NAME="Linux Mint 23"\nID=linuxmint\nVERSION_ID="23"\nID_LIKE='ubuntu debian'\n# ID=no\n`;
  expect(systemOfOsRelease('linux', text)).toEqual({
    platform: 'linux',
    distribution: 'linuxmint',
    release: '23',
    like: ['ubuntu', 'debian'],
  });
  expect(systemOfOsRelease('linux', '')).toEqual({ platform: 'linux', like: [] });
});
