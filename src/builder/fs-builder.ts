import type { Diagnostic } from '../base/diagnostic.ts';
import { FS_SEMANTICS, ROOT_TAG } from '../vm/constants.ts';
import type { FsSemantics, VmOverlay, VmRoot, VmShare } from '../vm/vm.ts';
import { hostPath, oneOf, text, wholeNumber } from './checks.ts';
import { mistake, refusal } from './error.ts';
import { Part } from './part.ts';

type Overlay = VmOverlay extends infer One ? (One extends VmOverlay ? Omit<One, 'tag'> : never) : never;
type DiskRoot = Extract<VmRoot, { readonly kind: 'disk' }>;

export interface FsState {
  readonly path?: string;
  readonly tag?: string;
  readonly device?: DiskRoot;
  readonly readOnly: boolean;
  readonly daxBytes?: number;
  readonly semantics?: FsSemantics;
  readonly overlays: readonly Overlay[];
}

export const FS: FsState = { readOnly: false, overlays: [] };

/** How a file on top of a share looks to the guest. */
export interface OverlayFileOptions {
  /** Permission bits; 0o644 when not said. */
  readonly mode?: number;
  /** It is there for the first lookup only. */
  readonly oneShot?: boolean;
}

/** How the guest mounts a root file system that lies on a disk. */
export interface RootDeviceOptions {
  /** Probed by the guest when not said. */
  readonly fstype?: string;
  /** As for mount(8): `noatime,ro`. */
  readonly options?: string;
}

const MOST_MODE = 0o7777;

/** One file system: the guest's root, or a directory of the host under a tag. Call `fs` once for each. */
export class FsBuilder extends Part<FsState> {
  /** A directory of the host as the guest's root. */
  root(directory: string): this {
    return this.#from({ path: hostPath(directory), tag: ROOT_TAG }, text('fs.root', directory));
  }

  /** A partition or whole disk of the guest as its root: `/dev/vda1`. The disks come from `disk`, in that order. */
  rootDevice(device: string, { fstype, options }: RootDeviceOptions = {}): this {
    const root: DiskRoot = {
      kind: 'disk',
      device,
      ...(fstype === undefined ? {} : { fstype }),
      ...(options === undefined ? {} : { options }),
    };
    return this.#from({ device: root }, text('fs.rootDevice', device));
  }

  /** Under which name the guest mounts it: `mount -t virtiofs TAG DIRECTORY`; `fs0`, `fs1`, … when not said. */
  tag(tag: string): this {
    return this.with({ tag }, text('fs.tag', tag));
  }

  /** The directory of the host. */
  path(directory: string): this {
    return this.#from({ path: hostPath(directory) }, text('fs.path', directory));
  }

  /**
   * The host refuses what the guest writes, libkrun >= 1.18. libkrun's init then cannot make its mount points: a root has
   * `dev`, `proc` and `sys`, or gets them with `directory`.
   */
  readOnly(enabled = true): this {
    return this.with({ readOnly: enabled });
  }

  /** Size of the window through which the guest maps files of the host without a copy; none when not said. */
  daxBytes(bytes: number): this {
    return this.with({ daxBytes: bytes }, wholeNumber('fs.daxBytes', bytes, 0, Number.MAX_SAFE_INTEGER));
  }

  /** Who owns what on macOS, libkrun >= 1.19.3. */
  semantics(semantics: FsSemantics): this {
    return this.with({ semantics }, oneOf('fs.semantics', semantics, Object.keys(FS_SEMANTICS)));
  }

  /** A file that exists in the guest only, libkrun >= 1.19; below the root, or below what `directory` added before. */
  file(path: string, data: string | Uint8Array, options: OverlayFileOptions = {}): this {
    const { mode = 0o644, oneShot = false } = options;
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    return this.#overlay('fs.file', { kind: 'file', path: relative(path), mode, data: bytes, oneShot });
  }

  /** An empty directory that exists in the guest only, such as a mount point, libkrun >= 1.19. */
  directory(path: string, mode = 0o755): this {
    return this.#overlay('fs.directory', { kind: 'directory', path: relative(path), mode });
  }

  /** Always refused: libkrun's C API serves directories of the host, and no file systems of the caller. */
  custom(_backend: unknown): this {
    const reason = "libkrun's C API has no file systems that the caller implements";
    const hint = 'share a directory with path(), or add files with file()';
    return this.with({ path: '' }, refusal('fs.custom', reason, hint));
  }

  #from(change: Partial<FsState>, ...problems: readonly (Diagnostic | undefined)[]): this {
    const { path, device } = this.state;
    const isSecond = path !== undefined || device !== undefined;
    const second = isSecond ? mistake('fs', 'it has two sources', 'call fs() once for each') : undefined;
    return this.with(change, second, ...problems);
  }

  #overlay(where: string, overlay: Overlay): this {
    return this.with(
      { overlays: [...this.state.overlays, overlay] },
      text(where, overlay.path),
      this.#parentProblem(where, overlay.path),
      wholeNumber(`${where} mode`, overlay.mode, 0, MOST_MODE),
    );
  }

  /** libkrun looks for it among what was added, and not in the directory of the host. */
  #parentProblem(where: string, path: string): Diagnostic | undefined {
    const parent = path.split('/').slice(0, -1).join('/');
    const isThere = this.state.overlays.some((one) => one.kind === 'directory' && one.path === parent);
    if (parent === '' || isThere) return undefined;
    return mistake(where, `${path} lies in ${parent}, which directory() has not added`);
  }
}

/** Overlay paths begin at the share's own root. */
function relative(path: string): string {
  return typeof path === 'string' ? path.split('/').filter(Boolean).join('/') : path;
}

/** What the file systems amount to. */
export interface FileSystems {
  readonly root?: VmRoot;
  readonly shares: readonly VmShare[];
  readonly overlays: readonly VmOverlay[];
  readonly mistakes: readonly Diagnostic[];
}

/** Sorts the file systems into root and shares; `diskCount` is how many disks the machine has. */
export function fileSystemsOf(states: readonly FsState[], diskCount: number): FileSystems {
  const mistakes: Diagnostic[] = [];
  const roots: VmRoot[] = [];
  const shares: VmShare[] = [];
  const overlays: VmOverlay[] = [];
  states.forEach((state, index) => {
    const tag = state.device ? ROOT_TAG : (state.tag ?? `fs${index}`);
    overlays.push(...state.overlays.map((overlay) => ({ ...overlay, tag })));
    if (state.device) roots.push(state.device);
    else if (state.path === undefined) mistakes.push(mistake('fs', 'it has neither root() nor path()'));
    else if (tag === ROOT_TAG) roots.push(directoryRoot(state, state.path));
    else shares.push(share(state, tag, state.path));
  });
  if (roots.length > 1) mistakes.push(mistake('fs', 'the guest has two root file systems'));
  if (states.some(isDeviceWithOptions))
    mistakes.push(
      mistake('fs.rootDevice', 'a disk has no readOnly(), daxBytes() or semantics()', READ_ONLY_DISK),
    );
  if (roots[0]?.kind === 'disk' && diskCount === 0)
    mistakes.push(mistake('fs.rootDevice', 'the machine has no disk', 'add one with disk()'));
  const tags = shares.map(({ tag }) => tag);
  for (const tag of new Set(tags.filter((one, index) => tags.indexOf(one) !== index)))
    mistakes.push(mistake('fs.tag', `two shares have the tag '${tag}'`));
  return { ...(roots[0] ? { root: roots[0] } : {}), shares, overlays, mistakes };
}

const READ_ONLY_DISK = "make the disk read-only, or mount it with the option 'ro'";

function isDeviceWithOptions({ device, readOnly, daxBytes, semantics }: FsState): boolean {
  return device !== undefined && (readOnly || daxBytes !== undefined || semantics !== undefined);
}

function directoryRoot({ readOnly, daxBytes, semantics }: FsState, path: string): VmRoot {
  return {
    kind: 'directory',
    path,
    ...(readOnly ? { readOnly } : {}),
    ...(daxBytes === undefined ? {} : { daxBytes }),
    ...(semantics === undefined ? {} : { semantics }),
  };
}

function share({ readOnly, daxBytes = 0, semantics }: FsState, tag: string, path: string): VmShare {
  const ownership = semantics === undefined ? {} : { semantics, needsSemantics: true };
  return { tag, path, readOnly, daxBytes, ...ownership };
}
