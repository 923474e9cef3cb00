import {
  DIRECTORY,
  DISK_FORMATS,
  DISK_SYNCS,
  FS_SEMANTICS,
  LONGEST_TAG_BYTES,
  REGULAR_FILE,
} from '../vm/constants.ts';
import { isAtLeast } from '../vm/functions.ts';
import type { DiskFormat, DiskSync, FsSemantics } from '../vm/vm.ts';
import { ContextBase, U64 } from './context-base.ts';
import type { OptionReader } from './options.ts';

export type { DiskFormat, DiskSync, FsSemantics };

export interface PathOptions {
  /** Path on the host. */
  readonly path: string;
}

export interface DiskOptions extends PathOptions {
  /** Unique name of the device within the machine. The guest does not see it: it is not the disk's serial number. */
  readonly id: string;
  readonly readOnly?: boolean;
}

export interface FormattedDiskOptions extends DiskOptions {
  /**
   * Never found out by looking into the file: a guest that wrote to a raw disk may have made it look like qcow2, which
   * names other files of the host.
   */
  readonly format: DiskFormat;
}

export interface TunedDiskOptions extends FormattedDiskOptions {
  /** Past the host's page cache. The alignment that the host's file system asks for then holds for the image. */
  readonly directIo?: boolean;
  readonly sync: DiskSync;
}

export interface RootDiskRemountOptions {
  /** In the guest: `/dev/vda`, `/dev/vda1`, … */
  readonly device: string;
  /** What the guest's kernel calls the file system; absent to try all that it knows. */
  readonly fstype?: string;
  /** Mount options. */
  readonly options?: string;
}

export interface VirtiofsOptions extends PathOptions {
  /** Name by which the guest mounts it, 1 to 36 bytes. `/dev/root` is the root file system. */
  readonly tag: string;
}

export interface DaxVirtiofsOptions extends VirtiofsOptions {
  /** Size of the window in the guest's address space for files that are mapped, in bytes; 0 for none. */
  readonly daxBytes: number;
}

export interface GuardedVirtiofsOptions {
  readonly tag: string;
  /** Absent for an empty file system that takes overlays only (libkrun >= 1.19). */
  readonly path?: string;
  /** In bytes; none when absent. */
  readonly daxBytes?: number;
  /** Enforced by the host: the guest gets EROFS. */
  readonly readOnly?: boolean;
}

export interface OwnedVirtiofsOptions extends GuardedVirtiofsOptions {
  readonly semantics: FsSemantics;
}

export interface OverlayDirOptions {
  /** Of a share that was added before. */
  readonly tag: string;
  /** Relative to the share; directories above it are overlays too, and added before. */
  readonly path: string;
  /** Permission bits, such as 0o755. */
  readonly mode: number;
}

export interface OverlayFileOptions extends OverlayDirOptions {
  /** Copied, and kept until the process ends: libkrun goes on to read it. */
  readonly data: Uint8Array;
  /** It is there for the guest's first lookup only. */
  readonly oneShot?: boolean;
}

const PERMISSIONS = 0o7777;
/** libkrun < 1.18 makes a window of 0 bytes where 0 is given, which is no window either. */
const NO_DAX = 0;

/** Root file system, disks, shares and overlays. */
export abstract class StorageContext extends ContextBase {
  /**
   * A directory of the host becomes the guest's root: tag `/dev/root`, writable. Not looked at before the start, and a
   * directory that is missing shows as a panic of the guest's kernel, so check it. A second call adds a second root.
   */
  setRoot(options: PathOptions): void {
    this.make('krun_set_root', options, (o) => [o.path('path')]);
  }

  /**
   * The guest moves to a file system on a disk that was added before. libkrun then does not know the exit code of the
   * guest's command: the process ends with 0. EINVAL without a disk, or with another root. libkrun >= 1.15.
   */
  setRootDiskRemount(options: RootDiskRemountOptions): void {
    // These travel on the kernel command line as they are.
    const word = (o: OptionReader, name: string): string => o.text(name, { mostBytes: 255, only: 'word' });
    this.make('krun_set_root_disk_remount', options, (o) => [
      word(o, 'device'),
      o.maybe('fstype', () => word(o, 'fstype')),
      o.maybe('options', () => word(o, 'options')),
    ]);
  }

  /** @deprecated Use {@link addDisk3}. A raw disk, writable; passed over where a disk was added with another call. */
  setRootDisk(options: PathOptions): void {
    this.make('krun_set_root_disk', options, (o) => [o.path('path')]);
  }

  /** @deprecated Use {@link addDisk3}. As {@link setRootDisk}, for a second disk. */
  setDataDisk(options: PathOptions): void {
    this.make('krun_set_data_disk', options, (o) => [o.path('path')]);
  }

  /**
   * A raw disk: /dev/vda, /dev/vdb, … in the order of the calls. The file is opened at the start. Nothing keeps two
   * machines from writing to one image, and from ruining it. libkrun >= 1.9.5.
   */
  addDisk(options: DiskOptions): void {
    this.make('krun_add_disk', options, (o) => [...disk(o), o.flag('readOnly', false)]);
  }

  /** As {@link addDisk}, in other formats too. libkrun >= 1.10. */
  addDisk2(options: FormattedDiskOptions): void {
    this.make('krun_add_disk2', options, (o) => [
      ...disk(o),
      o.choice('format', DISK_FORMATS),
      o.flag('readOnly', false),
    ]);
  }

  /** As {@link addDisk2}; the two calls before it flush to the medium on Linux, and to the cache on macOS. libkrun >= 1.17. */
  addDisk3(options: TunedDiskOptions): void {
    this.make('krun_add_disk3', options, (o) => [
      ...disk(o),
      o.choice('format', DISK_FORMATS),
      o.flag('readOnly', false),
      o.flag('directIo', false),
      o.choice('sync', DISK_SYNCS),
    ]);
  }

  /** @deprecated Removed from libkrun: always EINVAL. Use {@link addVirtiofs}, and mount it in the guest. */
  setMappedVolumes(options: {
    /** `HOST_PATH:GUEST_PATH` each. */
    readonly volumes: readonly string[];
  }): void {
    this.make('krun_set_mapped_volumes', options, (o) => [o.texts('volumes')]);
  }

  /** A writable share; the guest mounts it (`mount -t virtiofs TAG DIR`), libkrun's init does not. libkrun >= 1.8. */
  addVirtiofs(options: VirtiofsOptions): void {
    this.make('krun_add_virtiofs', options, (o) => [tag(o), o.path('path')]);
  }

  /** As {@link addVirtiofs}, with a DAX window. libkrun >= 1.9.5. */
  addVirtiofs2(options: DaxVirtiofsOptions): void {
    this.make('krun_add_virtiofs2', options, (o) => [
      tag(o),
      o.path('path'),
      o.integer('daxBytes', [0, U64]),
    ]);
  }

  /** As {@link addVirtiofs2}, read-only if asked, or without a directory of the host. libkrun >= 1.18. */
  addVirtiofs3(options: GuardedVirtiofsOptions): void {
    this.make('krun_add_virtiofs3', options, (o) => this.#guarded(o));
  }

  /** As {@link addVirtiofs3}, with a say in who owns files. libkrun >= 1.19.3. */
  addVirtiofs4(options: OwnedVirtiofsOptions): void {
    this.make('krun_add_virtiofs4', options, (o) => [
      ...this.#guarded(o),
      o.choice('semantics', FS_SEMANTICS),
    ]);
  }

  /** libkrun puts no `/init.krun` into the root. Before the call that sets the root. libkrun >= 1.19. */
  disableImplicitInit(): void {
    this.make('krun_disable_implicit_init', {});
  }

  /**
   * A file on top of a share, read-only, that the host does not have. EINVAL for an empty name, ENOENT for an unknown
   * tag or parent, ENOTDIR below a file. libkrun >= 1.19.
   */
  fsAddOverlayFile(options: OverlayFileOptions): void {
    this.make('krun_fs_add_overlay_file', options, (o) => {
      const data = o.bytes('data');
      const place = [tag(o), o.path('path')];
      const mode = REGULAR_FILE | o.integer('mode', [0, PERMISSIONS]);
      return [...place, data, data.length, mode, o.flag('oneShot', false)];
    });
  }

  /** An empty directory on top of a share, read-only: a place to mount something. Errors as above. libkrun >= 1.19. */
  fsAddOverlayDir(options: OverlayDirOptions): void {
    this.make('krun_fs_add_overlay_dir', options, (o) => [
      tag(o),
      o.path('path'),
      DIRECTORY | o.integer('mode', [0, PERMISSIONS]),
    ]);
  }

  #guarded(o: OptionReader): readonly [string, string | null, number, boolean] {
    const directory = o.maybe('path', () => o.path('path'));
    // libkrun 1.18 reads from the null pointer.
    if (directory === null && !isAtLeast('1.19', this.binding.side.native))
      o.fail('path', 'is missing; libkrun has file systems without a directory since 1.19');
    const daxBytes = o.has('daxBytes') ? o.integer('daxBytes', [0, U64]) : NO_DAX;
    return [tag(o), directory, daxBytes, o.flag('readOnly', false)];
  }
}

function disk(o: OptionReader): readonly [id: string, path: string] {
  return [o.text('id', { mostBytes: 255 }), o.path('path')];
}

function tag(o: OptionReader): string {
  return o.text('tag', { mostBytes: LONGEST_TAG_BYTES });
}
