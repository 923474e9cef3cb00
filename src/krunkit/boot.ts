import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { findFirmware, type FirmwareHost } from '../host/firmware.ts';
import { ImageError, type DiskBytes } from './disk-bytes.ts';
import { devicesOf, type KrunkitOptions } from './options.ts';
import { findRootPartition } from './root-partition.ts';
import type { RootFileSystem } from './file-system.ts';

/** What starts in the guest. */
export type KrunkitBoot =
  /** An EFI firmware, which runs the boot loader of the first disk. */
  | { readonly kind: 'firmware'; readonly path: string }
  /** libkrunfw's kernel, with a file system of the first disk as its root. */
  | { readonly kind: 'root-disk'; readonly device: string; readonly fstype: RootFileSystem };

/** What the choice needs of the outside world. */
export interface BootHost extends FirmwareHost {
  /** Node's name of the processor. */
  readonly arch: string;
  /** Throws {@link ImageError} or the system's error. */
  openImage(file: string, format: 'raw' | 'qcow2'): DiskBytes;
}

/** libkrun boots EFI firmware on arm64 only. */
function canBootFirmware(arch: string): boolean {
  return arch === 'arm64';
}

/** krunkit's firmware where this host can boot it, or else the root file system of the first disk. */
export function chooseBoot(options: KrunkitOptions, host: BootHost): Result<KrunkitBoot, Diagnostic> {
  if (canBootFirmware(host.arch)) {
    const { firmwarePath: path } = options;
    if (path !== undefined)
      return host.realPath(path) === undefined ? err(noFirmware(path)) : ok({ kind: 'firmware', path });
    const found = findFirmware(host);
    if (found.ok) return ok({ kind: 'firmware', path: found.value });
    if (host.os === 'darwin') return err(nowhere(found.error));
  }
  return bootRootDisk(options, host);
}

function noFirmware(path: string): Diagnostic {
  return errorDiagnostic('path', `--firmware-path ${path}: there is no such file`, {
    hint: 'correct the path, or leave it away and krun looks for the firmware of krunkit',
  });
}

function nowhere(places: readonly string[]): Diagnostic {
  return errorDiagnostic('environment', `krunkit's firmware was not found; looked at ${places.join(', ')}`, {
    hint: 'install krunkit (`brew install krunkit`), or name the file with --firmware-path',
  });
}

function bootRootDisk(options: KrunkitOptions, host: BootHost): Result<KrunkitBoot, Diagnostic> {
  const [disk] = devicesOf(options, 'disk');
  if (!disk) {
    return err(
      errorDiagnostic('missing-key', 'there is no disk to boot from', {
        hint: 'add --device virtio-blk,path=IMAGE,format=raw (or qcow2)',
      }),
    );
  }
  try {
    const { number, fstype } = findRootPartition(
      host.openImage(disk.path, disk.format),
      disk.path,
      host.arch,
    );
    return ok({ kind: 'root-disk', device: number === 0 ? '/dev/vda' : `/dev/vda${number}`, fstype });
  } catch (error) {
    if (error instanceof ImageError) return err(errorDiagnostic('path', error.message, { hint: error.hint }));
    throw error;
  }
}
