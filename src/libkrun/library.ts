import path from 'node:path';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { libraryCacheDirectory, type LayoutEnvironment } from '../store/layout.ts';
import {
  libraryBaseName,
  libraryFileName,
  pinnedPackages,
  type LibraryName,
  type LibraryVariant,
  type Platform,
} from './packages.ts';
import { isOlder } from './version.ts';

/** The oldest libkrun whose console devices krun's guests need. */
export const OLDEST_LIBKRUN = '1.17.0';

/** Where a library was found. */
export type LibraryOrigin =
  | 'krun.yaml'
  | 'environment'
  | 'beside libkrun'
  | 'system'
  | 'npm package'
  | 'cache';

export interface FoundLibrary {
  /** Absolute, as opened. */
  readonly path: string;
  readonly origin: LibraryOrigin;
  /** From the name of the file that `path` leads to, where the name says it. */
  readonly version?: string;
}

export interface FoundLibraries {
  readonly libkrun: FoundLibrary;
  /** Absent where it was not found; libkrun then looks for it itself, through the system's loader. */
  readonly libkrunfw?: FoundLibrary;
  /** Every place that was looked at, in order, with what was there. */
  readonly tried: readonly TriedPlace[];
}

export interface TriedPlace {
  readonly library: LibraryName;
  readonly path: string;
  readonly outcome: 'found' | 'missing' | 'too old';
}

/** What is asked for: explicit paths, from `libkrun:` of krun.yaml, or a variant; `generic` when absent. */
export interface LibrarySettings {
  readonly variant?: LibraryVariant;
  readonly library?: string;
  readonly kernelBundle?: string;
}

export interface LibraryEnvironment extends LayoutEnvironment {
  readonly KRUN_LIBKRUN?: string | undefined;
  readonly KRUN_LIBKRUNFW?: string | undefined;
}

/** What discovery needs of the outside world. */
export interface LibraryFiles {
  /** Absolute path without symbolic links; undefined where nothing is. */
  realPath(file: string): string | undefined;
  /** Directory of an npm package as krun's own code resolves it. */
  packageDirectory(name: string): string | undefined;
}

interface Place {
  readonly path: string;
  readonly origin: LibraryOrigin;
}

/** Finds libkrun and libkrunfw: what the user names, the system's, npm's, krun's own copies; the first that is there. */
export function findLibraries(
  settings: LibrarySettings,
  environment: LibraryEnvironment,
  platform: Platform,
  files: LibraryFiles,
): Result<FoundLibraries, readonly Diagnostic[]> {
  const variant = settings.variant ?? 'generic';
  const context: Context = { environment, platform, files, variant };
  const libkrun = find(context, 'libkrun', {
    named: named('library', settings.library, 'KRUN_LIBKRUN', environment.KRUN_LIBKRUN),
    first: [],
  });
  if (!libkrun.ok) return err([libkrun.error]);
  // Firmware boots without libkrun's kernel.
  if (variant === 'efi') return ok({ libkrun: libkrun.value.found, tried: libkrun.value.tried });

  const libkrunfw = find(context, 'libkrunfw', {
    named: named('kernel_bundle', settings.kernelBundle, 'KRUN_LIBKRUNFW', environment.KRUN_LIBKRUNFW),
    first: beside(libkrun.value.found, context),
  });
  const { found, tried } = libkrun.value;
  if (!libkrunfw.ok) {
    // A path that the user named must be right; that no path at all was found, the system's loader may still mend.
    if (libkrunfw.error.code === 'path') return err([libkrunfw.error]);
    return ok({ libkrun: found, tried: [...tried, ...libkrunfw.tried] });
  }
  return ok({
    libkrun: found,
    libkrunfw: libkrunfw.value.found,
    tried: [...tried, ...libkrunfw.value.tried],
  });
}

interface Context {
  readonly variant: LibraryVariant;
  readonly environment: LibraryEnvironment;
  readonly platform: Platform;
  readonly files: LibraryFiles;
}

interface NamedPlace extends Place {
  /** How the user says it: `libkrun.library` or `KRUN_LIBKRUN`. */
  readonly setting: string;
}

function named(
  key: string,
  setting: string | undefined,
  variable: string,
  value: string | undefined,
): NamedPlace | undefined {
  if (setting !== undefined) return { path: setting, origin: 'krun.yaml', setting: `libkrun.${key}` };
  if (value) return { path: path.resolve(value), origin: 'environment', setting: variable };
  return undefined;
}

type Search =
  | {
      readonly ok: true;
      readonly value: { readonly found: FoundLibrary; readonly tried: readonly TriedPlace[] };
    }
  | { readonly ok: false; readonly error: Diagnostic; readonly tried: readonly TriedPlace[] };

function find(
  context: Context,
  library: LibraryName,
  order: { readonly named: NamedPlace | undefined; readonly first: readonly Place[] },
): Search {
  const places = order.named ? [order.named] : [...order.first, ...usualPlaces(context, library)];
  const tried: TriedPlace[] = [];
  for (const place of places) {
    const realPath = context.files.realPath(place.path);
    const version =
      realPath === undefined ? undefined : versionOf(libraryBaseName(library, context.variant), realPath);
    // A library that the user names is the user's decision; what it lacks is told when it is missed.
    const tooOld =
      !order.named && library === 'libkrun' && version !== undefined && isOlder(version, OLDEST_LIBKRUN);
    const outcome = realPath === undefined ? 'missing' : tooOld ? 'too old' : 'found';
    tried.push({ library, path: place.path, outcome });
    if (outcome !== 'found') continue;
    const found = { path: place.path, origin: place.origin, ...(version === undefined ? {} : { version }) };
    return { ok: true, value: { found, tried } };
  }
  const error = order.named ? namedMissing(library, order.named) : notFound(library, context, tried);
  return { ok: false, error, tried };
}

function beside(libkrun: FoundLibrary, { platform, variant }: Context): readonly Place[] {
  const file = path.join(path.dirname(libkrun.path), libraryFileName('libkrunfw', platform.os, variant));
  return [{ path: file, origin: 'beside libkrun' }];
}

function usualPlaces(context: Context, library: LibraryName): readonly Place[] {
  const { environment, platform, files, variant } = context;
  const name = libraryFileName(library, platform.os, variant);
  const places: Place[] = systemDirectories(libraryBaseName(library, variant), platform).map((directory) => ({
    path: path.join(directory, name),
    origin: 'system',
  }));
  for (const entry of variant === 'generic' ? pinnedPackages(platform) : []) {
    if (entry.library !== library) continue;
    const directory = files.packageDirectory(entry.name);
    if (directory !== undefined)
      places.push({ path: path.join(directory, entry.file), origin: 'npm package' });
  }
  places.push({ path: path.join(libraryCacheDirectory(environment), 'lib', name), origin: 'cache' });
  return places;
}

function systemDirectories(formula: string, platform: Platform): readonly string[] {
  if (platform.os === 'darwin')
    return ['/opt/homebrew/lib', `/opt/homebrew/opt/${formula}/lib`, '/usr/local/lib', '/opt/local/lib'];
  const triplet = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[platform.arch];
  const multiarch = triplet === undefined ? [] : [`/usr/lib/${triplet}`, `/lib/${triplet}`];
  const local = triplet === undefined ? [] : [`/usr/local/lib/${triplet}`];
  return [
    ...local,
    '/usr/local/lib64',
    '/usr/local/lib',
    ...multiarch,
    '/usr/lib64',
    '/lib64',
    '/usr/lib',
    '/home/linuxbrew/.linuxbrew/lib',
    `/home/linuxbrew/.linuxbrew/opt/${formula}/lib`,
  ];
}

/** `libkrun.so.1.17.4`, `libkrun.1.17.4.dylib`, or Homebrew's `Cellar/libkrun/1.19.7/`. */
function versionOf(baseName: string, realPath: string): string | undefined {
  const number = '(\\d+\\.\\d+\\.\\d+)';
  for (const pattern of [
    `/${baseName}\\.so\\.${number}$`,
    `/${baseName}\\.${number}\\.dylib$`,
    `/${baseName}/${number}[^/]*/`,
  ]) {
    const version = new RegExp(pattern).exec(realPath)?.[1];
    if (version !== undefined) return version;
  }
  return undefined;
}

function namedMissing(library: LibraryName, place: NamedPlace): Diagnostic {
  return errorDiagnostic('path', `${library} is not at ${place.path}, which ${place.setting} names`, {
    hint: `correct ${place.setting}, or remove it and let krun look in the usual places (krun doctor lists them)`,
  });
}

function notFound(
  library: LibraryName,
  { platform, variant }: Context,
  tried: readonly TriedPlace[],
): Diagnostic {
  const lines = tried.map((place) => `${place.path}${place.outcome === 'too old' ? ' (too old)' : ''}`);
  const name = libraryBaseName(library, variant);
  return errorDiagnostic(
    'environment',
    `${name}${library === 'libkrun' ? ` ${OLDEST_LIBKRUN} or newer` : ''} is not installed; looked at ${lines.join(', ')}`,
    { hint: installHint(library, platform, variant) },
  );
}

const VARIANT_HINTS: Readonly<Record<Exclude<LibraryVariant, 'generic'>, string>> = {
  sev: "install your distribution's package of it, or build libkrun with SEV=1",
  tdx: "install your distribution's package of it, or build libkrun with TDX=1",
  efi: 'use the generic variant with `krun_set_firmware`, or build libkrun with EFI=1',
};

/** How a user gets the library on the platform. */
export function installHint(
  library: LibraryName,
  platform: Platform,
  variant: LibraryVariant = 'generic',
): string {
  if (variant !== 'generic') return VARIANT_HINTS[variant];
  const packaged = pinnedPackages(platform).some((entry) => entry.library === library);
  const own = packaged ? 'run `krun doctor --fix`' : undefined;
  const system =
    platform.os === 'darwin'
      ? `\`brew install ${library}\``
      : `your distribution's package (Fedora \`dnf install ${library}\`, Arch \`pacman -S ${library}\`, Homebrew \`brew install ${library}\`)`;
  return own === undefined ? `install ${system}` : `${own}, or install ${system}`;
}
