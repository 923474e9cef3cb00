import { describe, expect, it } from 'vitest';
import {
  findLibraries,
  type LibraryEnvironment,
  type LibrarySettings,
} from '../../../src/libkrun/library.ts';
import type { LibraryFiles } from '../../../src/libkrun/library.ts';
import { pinnedPackages, variantInName, type Platform } from '../../../src/libkrun/packages.ts';

const LINUX: Platform = { os: 'linux', arch: 'x64' };
const MACOS: Platform = { os: 'darwin', arch: 'arm64' };
const PACKAGE = '@earendil-works/gondolin-krun-runner-linux-x64';

interface World {
  readonly settings?: LibrarySettings;
  readonly environment?: LibraryEnvironment;
  readonly platform?: Platform;
  /** Path to real path. */
  readonly files?: Readonly<Record<string, string>>;
  readonly packages?: Readonly<Record<string, string>>;
}

function find(world: World): string {
  const files: LibraryFiles = {
    realPath: (file) => world.files?.[file],
    packageDirectory: (name) => world.packages?.[name],
  };
  const environment = { HOME: '/home/me', ...world.environment };
  const result = findLibraries(world.settings ?? {}, environment, world.platform ?? LINUX, files);
  if (!result.ok)
    return result.error.map(({ code, message, hint }) => `${code}: ${message}\n${hint}`).join('\n');
  const { libkrun, libkrunfw } = result.value;
  return [libkrun, libkrunfw]
    .map((found) => (found ? `${found.origin}: ${found.path} ${found.version ?? '?'}` : 'none'))
    .join('\n');
}

describe('library discovery', () => {
  it('takes the system library before the ones that krun brings, and reads versions from file names', () => {
    expect(
      find({
        files: {
          '/usr/lib64/libkrun.so.1': '/usr/lib64/libkrun.so.1.18.0',
          '/usr/lib64/libkrunfw.so.5': '/usr/lib64/libkrunfw.so.5.5.0',
          '/n/lib/libkrun.so.1.17.4': '/n/lib/libkrun.so.1.17.4',
        },
        packages: { [PACKAGE]: '/n' },
      }),
    ).toBe('system: /usr/lib64/libkrun.so.1 1.18.0\nbeside libkrun: /usr/lib64/libkrunfw.so.5 5.5.0');
  });

  it('passes over a system library that is too old', () => {
    expect(
      find({
        files: {
          '/usr/lib/libkrun.so.1': '/usr/lib/libkrun.so.1.9.8',
          '/n/lib/libkrun.so.1.17.4': '/n/lib/libkrun.so.1.17.4',
          '/home/me/.local/share/krun/runtime/lib/libkrunfw.so.5':
            '/home/me/.local/share/krun/runtime/lib/libkrunfw.so.5.6.1',
        },
        packages: { [PACKAGE]: '/n' },
      }),
    ).toBe(
      'npm package: /n/lib/libkrun.so.1.17.4 1.17.4\n' +
        'cache: /home/me/.local/share/krun/runtime/lib/libkrunfw.so.5 5.6.1',
    );
  });

  it('takes what krun.yaml names before what the environment names, however old', () => {
    const files = { '/a/libkrun.so.1': '/a/libkrun.so.1.8.0', '/b/libkrun.so.1': '/b/libkrun.so.1' };
    const environment = { KRUN_LIBKRUN: '/b/libkrun.so.1' };
    expect(find({ settings: { library: '/a/libkrun.so.1' }, environment, files })).toContain(
      'krun.yaml: /a/libkrun.so.1 1.8.0',
    );
    expect(find({ environment, files })).toContain('environment: /b/libkrun.so.1 ?');
  });

  it('does not look elsewhere when a named library is missing', () => {
    const files = { '/usr/lib/libkrun.so.1': '/usr/lib/libkrun.so.1.18.0' };
    expect(find({ settings: { library: '/a/libkrun.so.1' }, files })).toMatchInlineSnapshot(`
      "path: libkrun is not at /a/libkrun.so.1, which libkrun.library names
      correct libkrun.library, or remove it and let krun look in the usual places (krun doctor lists them)"
    `);
    expect(find({ environment: { KRUN_LIBKRUNFW: '/a/libkrunfw.so.5' }, files })).toMatchInlineSnapshot(`
      "path: libkrunfw is not at /a/libkrunfw.so.5, which KRUN_LIBKRUNFW names
      correct KRUN_LIBKRUNFW, or remove it and let krun look in the usual places (krun doctor lists them)"
    `);
  });

  it('never opens a library by its bare name, which may be libkrun 2', () => {
    expect(find({ files: { '/usr/lib/libkrun.so': '/usr/lib/libkrun.so.2.0.0' } })).toContain(
      'is not installed',
    );
  });

  it('finds Homebrew on macOS and reads the version from the Cellar', () => {
    const cellar = '/opt/homebrew/Cellar';
    expect(
      find({
        platform: MACOS,
        files: {
          '/opt/homebrew/opt/libkrun/lib/libkrun.1.dylib': `${cellar}/libkrun/1.19.7/lib/libkrun.1.dylib`,
          '/opt/homebrew/lib/libkrunfw.5.dylib': `${cellar}/libkrunfw/5.6.2_1/lib/libkrunfw.5.dylib`,
        },
      }),
    ).toBe(
      'system: /opt/homebrew/opt/libkrun/lib/libkrun.1.dylib 1.19.7\n' +
        'system: /opt/homebrew/lib/libkrunfw.5.dylib 5.6.2',
    );
  });

  it('leaves the guest kernel to the loader of the system when it finds none', () => {
    expect(find({ files: { '/usr/lib/libkrun.so.1': '/usr/lib/libkrun.so.1' } })).toBe(
      'system: /usr/lib/libkrun.so.1 ?\nnone',
    );
  });

  it('lists every place when it finds nothing, and says how to get the library', () => {
    expect(find({ files: { '/usr/lib/libkrun.so.1': '/usr/lib/libkrun.so.1.9.8' } })).toMatchInlineSnapshot(`
      "environment: libkrun 1.17.0 or newer is not installed; looked at /usr/local/lib/x86_64-linux-gnu/libkrun.so.1, /usr/local/lib64/libkrun.so.1, /usr/local/lib/libkrun.so.1, /usr/lib/x86_64-linux-gnu/libkrun.so.1, /lib/x86_64-linux-gnu/libkrun.so.1, /usr/lib64/libkrun.so.1, /lib64/libkrun.so.1, /usr/lib/libkrun.so.1 (too old), /home/linuxbrew/.linuxbrew/lib/libkrun.so.1, /home/linuxbrew/.linuxbrew/opt/libkrun/lib/libkrun.so.1, /home/me/.local/share/krun/runtime/lib/libkrun.so.1
      run \`krun doctor --fix\`, or install your distribution's package (Fedora \`dnf install libkrun\`, Arch \`pacman -S libkrun\`, Homebrew \`brew install libkrun\`)"
    `);
    expect(find({ platform: { os: 'linux', arch: 'arm64' } })).toMatchInlineSnapshot(`
      "environment: libkrun 1.17.0 or newer is not installed; looked at /usr/local/lib/aarch64-linux-gnu/libkrun.so.1, /usr/local/lib64/libkrun.so.1, /usr/local/lib/libkrun.so.1, /usr/lib/aarch64-linux-gnu/libkrun.so.1, /lib/aarch64-linux-gnu/libkrun.so.1, /usr/lib64/libkrun.so.1, /lib64/libkrun.so.1, /usr/lib/libkrun.so.1, /home/linuxbrew/.linuxbrew/lib/libkrun.so.1, /home/linuxbrew/.linuxbrew/opt/libkrun/lib/libkrun.so.1, /home/me/.local/share/krun/runtime/lib/libkrun.so.1
      install your distribution's package (Fedora \`dnf install libkrun\`, Arch \`pacman -S libkrun\`, Homebrew \`brew install libkrun\`)"
    `);
  });
});

describe('a variant', () => {
  const CONFIDENTIAL = {
    '/usr/lib64/libkrun.so.1': '/usr/lib64/libkrun.so.1.18.0',
    '/usr/lib64/libkrun-sev.so.1': '/usr/lib64/libkrun-sev.so.1.18.0',
    '/usr/lib64/libkrunfw.so.5': '/usr/lib64/libkrunfw.so.5.5.0',
    '/usr/lib64/libkrunfw-sev.so.5': '/usr/lib64/libkrunfw-sev.so.5.5.0',
  };

  it('is a library of its own, with a guest kernel of its own', () => {
    expect(find({ settings: { variant: 'sev' }, files: CONFIDENTIAL })).toBe(
      'system: /usr/lib64/libkrun-sev.so.1 1.18.0\nbeside libkrun: /usr/lib64/libkrunfw-sev.so.5 5.5.0',
    );
  });

  it('with firmware needs no guest kernel', () => {
    const files = {
      '/opt/homebrew/lib/libkrun-efi.1.dylib':
        '/opt/homebrew/Cellar/libkrun-efi/1.17.0/lib/libkrun-efi.1.dylib',
      '/opt/homebrew/lib/libkrunfw.5.dylib': '/opt/homebrew/lib/libkrunfw.5.dylib',
    };
    expect(find({ platform: MACOS, settings: { variant: 'efi' }, files })).toBe(
      'system: /opt/homebrew/lib/libkrun-efi.1.dylib 1.17.0\nnone',
    );
  });

  it('is in no npm package, and the generic library does not stand in for it', () => {
    expect(
      find({ settings: { variant: 'tdx' }, files: CONFIDENTIAL, packages: { [PACKAGE]: '/n' } }),
    ).toMatch(
      /^environment: libkrun-tdx 1\.17\.0 or newer is not installed; looked at .*libkrun-tdx\.so\.1\n.*TDX=1$/s,
    );
  });

  it('is told from the name of a file', () => {
    const names = [
      'libkrun.so.1',
      'libkrun-sev.so.1',
      'libkrun-efi.1.dylib',
      'libkrun-tdx.so.1.18.0',
      'libfork.so',
    ];
    expect(names.map(variantInName)).toEqual(['generic', 'sev', 'efi', 'tdx', 'generic']);
  });
});

describe('pinned packages', () => {
  it('hold both libraries wherever krun brings libkrun', () => {
    for (const platform of [LINUX, MACOS])
      expect(pinnedPackages(platform).map(({ library }) => library)).toEqual(['libkrun', 'libkrunfw']);
  });
});
