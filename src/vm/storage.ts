import { errorDiagnostic } from '../base/diagnostic.ts';
import { CTX, type CallList } from './call-list.ts';
import {
  DIRECTORY,
  DISK_FORMATS,
  DISK_SYNCS,
  FS_SEMANTICS,
  LONGEST_TAG_BYTES,
  REGULAR_FILE,
  ROOT_TAG,
} from './constants.ts';
import type { Vm, VmDisk, VmOverlay, VmRoot, VmShare } from './vm.ts';

/** What the kernel command line names as init. */
const INIT_NAME = 'init.krun';

/** The calls for the root file system, disks, shares and overlays. */
export function addStorage(list: CallList, vm: Vm): void {
  const init = vm.boot?.kind === 'bundled' ? vm.boot.init : undefined;
  if (init) list.add('krun_disable_implicit_init', CTX);
  if (vm.root?.kind === 'directory') addDirectoryRoot(list, vm.root);
  for (const disk of vm.disks) addDisk(list, disk);
  if (vm.root?.kind === 'disk') {
    const { device, fstype, options } = vm.root;
    list.add('krun_set_root_disk_remount', CTX, device, fstype ?? null, options ?? null);
  }
  for (const share of vm.shares) addShare(list, share);
  if (init) addOverlay(list, { kind: 'file', tag: ROOT_TAG, path: INIT_NAME, mode: 0o755, data: init });
  for (const overlay of vm.overlays ?? []) addOverlay(list, overlay);
}

function addDirectoryRoot(
  list: CallList,
  { path, readOnly = false, daxBytes, semantics }: Extract<VmRoot, { kind: 'directory' }>,
): void {
  if (!readOnly && daxBytes === undefined && semantics === undefined) list.add('krun_set_root', CTX, path);
  else {
    const common = { tag: ROOT_TAG, path, readOnly, daxBytes: daxBytes ?? 0 };
    addShare(list, semantics === undefined ? common : { ...common, semantics, needsSemantics: true });
  }
}

function addDisk(list: CallList, disk: VmDisk): void {
  const format = DISK_FORMATS[disk.format];
  // What krun_add_disk2 does when nothing is asked.
  const usualSync = list.capabilities.os === 'darwin' ? 'relaxed' : 'full';
  const isUsual = !disk.directIo && disk.sync === usualSync && disk.format !== 'vmdk';
  if (list.has('krun_add_disk2') && !list.has('krun_add_disk3') && isUsual) {
    list.add('krun_add_disk2', CTX, disk.id, disk.path, format, disk.readOnly);
    return;
  }
  const sync = DISK_SYNCS[disk.sync];
  list.add('krun_add_disk3', CTX, disk.id, disk.path, format, disk.readOnly, disk.directIo, sync);
}

function addShare(list: CallList, share: VmShare): void {
  const { tag, path, readOnly, daxBytes, semantics, needsSemantics = false } = share;
  const bytes = Buffer.byteLength(tag);
  if (bytes > LONGEST_TAG_BYTES || bytes === 0) {
    list.reject(
      errorDiagnostic('limit', `share tag '${tag}' has ${bytes} bytes; virtio-fs allows 1 to 36`, {
        hint: 'give the share a shorter tag',
      }),
    );
  }
  if (semantics !== undefined && (needsSemantics || list.has('krun_add_virtiofs4'))) {
    list.add('krun_add_virtiofs4', CTX, tag, path, daxBytes, readOnly, FS_SEMANTICS[semantics]);
    return;
  }
  if (list.has('krun_add_virtiofs3')) {
    list.add('krun_add_virtiofs3', CTX, tag, path, daxBytes, readOnly);
    return;
  }
  if (readOnly) {
    // Mounting it read-only in the guest would be a promise that the guest itself can break.
    list.reject(
      errorDiagnostic('capability', `this libkrun cannot keep the guest from writing to ${path}`, {
        hint: 'use libkrun 1.18 or newer, or share it writable',
      }),
    );
  }
  if (daxBytes > 0) list.add('krun_add_virtiofs2', CTX, tag, path, daxBytes);
  else list.add('krun_add_virtiofs', CTX, tag, path);
}

function addOverlay(list: CallList, overlay: VmOverlay): void {
  const { tag, path, mode } = overlay;
  if (overlay.kind === 'directory') {
    list.add('krun_fs_add_overlay_dir', CTX, tag, path, DIRECTORY | mode);
    return;
  }
  const { data, oneShot = false } = overlay;
  list.add('krun_fs_add_overlay_file', CTX, tag, path, data, data.length, REGULAR_FILE | mode, oneShot);
}
