import { readFileSync } from 'node:fs';
import { errnoOf, systemHint } from '../host/errno.ts';
import type { OverlayFile } from '../project/project.ts';
import { ROOT_TAG } from '../vm/constants.ts';
import type { Vm, VmBoot, VmDevices, VmOverlay, VmRoot } from '../vm/vm.ts';
import { StartFailure } from './failure.ts';
import { missingMountPoints } from './mount-points.ts';
import type { MachineSpec, SpecBoot, SpecRoot } from './spec.ts';

/** What boots in a plain virtual machine, and from what. Files of an overlay are read here: throws {@link StartFailure}. */
export function bootOptions(
  spec: MachineSpec,
): Pick<Vm, 'boot' | 'root' | 'overlays' | 'shutdownEvent' | 'hostUid' | 'hostGid'> {
  const { boot, root, hostUid, hostGid } = spec;
  const overlays = root.kind === 'directory' ? overlaysOf(root, missingMountPoints(spec).possible) : [];
  return {
    ...(boot === undefined ? {} : { boot: vmBoot(boot) }),
    ...(root.kind === 'none' ? {} : { root: vmRoot(root) }),
    ...(overlays.length === 0 ? {} : { overlays }),
    ...(canAskToShutDown(spec) ? { shutdownEvent: true } : {}),
    ...(hostUid === undefined ? {} : { hostUid }),
    ...(hostGid === undefined ? {} : { hostGid }),
  };
}

/** Properties of the machine that libkrun counts among its devices. */
export function machineProperties({ nested, splitIrqchip, smbiosOemStrings, tee }: MachineSpec): VmDevices {
  return {
    ...(nested ? { nestedVirt: true } : {}),
    ...(splitIrqchip ? { splitIrqchip } : {}),
    ...(smbiosOemStrings === undefined ? {} : { smbiosOemStrings }),
    ...(tee === undefined ? {} : { teeConfigFile: tee.config }),
  };
}

/** libkrun has a button for that on macOS, which libkrunfw's kernel does not know. */
function canAskToShutDown({ boot, guest }: MachineSpec): boolean {
  return process.platform === 'darwin' && guest.kind === 'self' && boot?.kind !== 'init';
}

function vmBoot(boot: SpecBoot): VmBoot {
  switch (boot.kind) {
    case 'firmware':
      return boot;
    case 'init':
      return { kind: 'bundled', init: readContents('init', boot.path) };
    case 'kernel': {
      const { kind, path, format, initrd, cmdline } = boot;
      return {
        kind,
        path,
        format,
        ...(initrd === undefined ? {} : { initramfs: initrd }),
        ...(cmdline === undefined ? {} : { cmdline }),
      };
    }
  }
}

function vmRoot(root: Exclude<SpecRoot, { readonly kind: 'none' }>): VmRoot {
  if (root.kind === 'disk') return root;
  const { kind, path, readOnly } = root;
  return { kind, path, ...(readOnly ? { readOnly } : {}) };
}

function overlaysOf(
  { overlay }: Extract<SpecRoot, { readonly kind: 'directory' }>,
  mountPoints: readonly string[],
): readonly VmOverlay[] {
  const { files = [], directories = [] } = overlay ?? {};
  const made = mountPoints.map((path) => ({ path, mode: 0o755 }));
  return [
    ...[...directories, ...made].map(({ path, mode }): VmOverlay => ({
      kind: 'directory',
      tag: ROOT_TAG,
      path,
      mode,
    })),
    ...files.map((file): VmOverlay => ({
      kind: 'file',
      tag: ROOT_TAG,
      path: file.path,
      mode: file.mode,
      data: contentsOf(file),
      ...(file.isOneShot ? { oneShot: true } : {}),
    })),
  ];
}

function contentsOf({ path, source }: OverlayFile): Uint8Array {
  return source.kind === 'content'
    ? Buffer.from(source.content)
    : readContents(`contents of /${path}`, source.path);
}

function readContents(what: string, file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    const hint = systemHint(code);
    const message = `cannot read the ${what} from ${file}: ${code}`;
    throw new StartFailure({ code: 'path', message, ...(hint === undefined ? {} : { hint }) });
  }
}
