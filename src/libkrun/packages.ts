/** The two shared libraries behind every machine: the virtual machine monitor and its bundled guest kernel. */
export type LibraryName = 'libkrun' | 'libkrunfw';

/**
 * How libkrun was built: for every host, for confidential machines on AMD (`sev`) or Intel (`tdx`) processors, or with
 * firmware inside (`efi`). Each is a library of its own.
 */
export type LibraryVariant = 'generic' | 'sev' | 'tdx' | 'efi';

/** Operating system and processor that a library has to fit, in Node's words. */
export interface Platform {
  readonly os: string;
  readonly arch: string;
}

/** An npm package that carries one of the libraries; exactly this version with exactly this content. */
export interface PinnedPackage {
  readonly library: LibraryName;
  readonly name: string;
  readonly version: string;
  /** Subresource integrity of the tarball, as in package-lock.json. */
  readonly integrity: string;
  /** The library inside the package. */
  readonly file: string;
  /** Version of the library, which is not the package's. */
  readonly libraryVersion: string;
}

const LIBKRUN = { library: 'libkrun', version: '0.12.0', libraryVersion: '1.17.4' } as const;
const LIBKRUNFW = { library: 'libkrunfw', version: '0.6.8', libraryVersion: '5.6.1' } as const;

const PACKAGES: Readonly<Record<string, readonly PinnedPackage[]>> = {
  'linux-x64': [
    {
      ...LIBKRUN,
      name: '@earendil-works/gondolin-krun-runner-linux-x64',
      integrity:
        'sha512-RRYsgwe2r5ApKmFNy469QgwnyjAHpAs9XANdWpTd9ol4iUYOY3sX7e0xIooAKxd+ktxGI4N/xRWicwGen3D/Ow==',
      file: 'lib/libkrun.so.1.17.4',
    },
    {
      ...LIBKRUNFW,
      name: '@superradcompany/microsandbox-linux-x64-gnu',
      integrity:
        'sha512-JCYgBsCf00bX2RA7YhdFdNOQHsWJFXYM3WJi1ONx3jLdUpiMKAVRZxCSPJe/UrFoRiqfj49AmgIBNtvs+2Ns9g==',
      file: 'lib/libkrunfw.so.5.6.1',
    },
  ],
  'linux-arm64': [
    {
      ...LIBKRUNFW,
      name: '@superradcompany/microsandbox-linux-arm64-gnu',
      integrity:
        'sha512-cMgS/pE6N2LTbdGYMNiSzfxlsD0F1fhVuCFuIULxGfGyK+zmrYHgTgV0K6n9UQY+PjseOvNn//T7FJQ7SwyJ3g==',
      file: 'lib/libkrunfw.so.5.6.1',
    },
  ],
  'darwin-arm64': [
    {
      ...LIBKRUN,
      name: '@earendil-works/gondolin-krun-runner-darwin-arm64',
      integrity:
        'sha512-ftDlusht4PcT7Y3TuPrZIKrCXy3isiBTVMvlXYK0pcud2uXY6uwFTGeunYgP+8ND/60ddb+MImqbfmkcK8B84A==',
      file: 'lib/libkrun.1.17.4.dylib',
    },
    {
      ...LIBKRUNFW,
      name: '@superradcompany/microsandbox-darwin-arm64',
      integrity:
        'sha512-SbPo2mb5sEWY7Sry9lxlh762oX5G4RI4Xq2i6U9covTe+4MIFznNSCPIntoCcpzVwt4VNIukvEdyTsI9kITJLw==',
      file: 'lib/libkrunfw.5.dylib',
    },
  ],
};

/** Packages that hold a library for the platform; none for a library that only the system can bring. */
export function pinnedPackages(platform: Platform): readonly PinnedPackage[] {
  return PACKAGES[`${platform.os}-${platform.arch}`] ?? [];
}

/**
 * The name under which a library is opened. The version in it is the ABI's: libkrun 2 has functions of the same names
 * with other arguments, so the bare `libkrun.so` is never opened.
 */
export function libraryFileName(
  library: LibraryName,
  os: string,
  variant: LibraryVariant = 'generic',
): string {
  const abi = library === 'libkrun' ? 1 : 5;
  const name = libraryBaseName(library, variant);
  return os === 'darwin' ? `${name}.${abi}.dylib` : `${name}.so.${abi}`;
}

/** `libkrun-sev`; the EFI variant brings firmware, so its guest kernel is nobody's concern. */
export function libraryBaseName(library: LibraryName, variant: LibraryVariant): string {
  const hasOwn = library === 'libkrun' || variant !== 'efi';
  return variant === 'generic' || !hasOwn ? library : `${library}-${variant}`;
}

/** The variant that the name of a library's file says. */
export function variantInName(fileName: string): LibraryVariant {
  const word = /^libkrun-(sev|tdx|efi)\./.exec(fileName)?.[1];
  return (word as LibraryVariant | undefined) ?? 'generic';
}
