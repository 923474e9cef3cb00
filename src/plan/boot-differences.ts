import { isDeepStrictEqual } from 'node:util';
import type { Boot, DiskAttachment, Machine, Overlay, Root } from '../project/project.ts';
import { type Change, changed } from './change.ts';

/** The root file system in words. */
export function rootText(root: Root): string {
  switch (root.kind) {
    case 'none':
      return 'none';
    case 'directory':
      return [root.path, ...(root.readOnly ? ['read-only'] : []), ...overlayWords(root.overlay)].join(', ');
    case 'disk': {
      const [name, words] = diskEntry(root.disk);
      const mount = [root.device, root.fstype ?? 'any file system', ...(root.options ? [root.options] : [])];
      return `disk ${name} (${words}; ${mount.join(' ')})`;
    }
  }
}

function overlayWords(overlay: Overlay | undefined): readonly string[] {
  if (overlay === undefined) return [];
  const names = [...overlay.files, ...overlay.directories].map(({ path }) => `/${path}`);
  return [`with ${names.toSorted().join(' ')}`];
}

/** Name and properties of a disk. */
export function diskEntry(disk: DiskAttachment): [string, string] {
  const name = disk.source.kind === 'named' ? disk.source.name : disk.source.path;
  const words = [
    disk.format,
    disk.readOnly ? 'read-only' : 'writable',
    `sync ${disk.sync}`,
    ...(disk.directIo ? ['direct I/O'] : []),
  ];
  return [name, words.join(', ')];
}

/** What boots, key by key where it is a kernel before and after; a command line may hold a secret. */
export function compareBoot({ boot: before }: Machine, { boot: after }: Machine): Change[] {
  if (before?.kind !== 'kernel' || after?.kind !== 'kernel')
    return changed('boot', bootText(before), bootText(after));
  const changes = [
    ...changed('boot kernel', before.path, after.path),
    ...changed('boot format', before.format ?? 'by contents', after.format ?? 'by contents'),
    ...changed('boot initrd', before.initrd ?? 'none', after.initrd ?? 'none'),
  ].map((change) => ({ ...change, key: change.key.replace(' ', '/') }));
  if (isDeepStrictEqual(before.cmdline, after.cmdline)) return changes;
  return [...changes, { key: 'boot/cmdline', text: 'boot cmdline changed' }];
}

function bootText(boot: Boot | undefined): string {
  switch (boot?.kind) {
    case undefined:
      return 'bundled kernel';
    case 'kernel':
      return `kernel ${boot.path}`;
    case 'firmware':
      return `firmware ${boot.path ?? 'efi'}`;
    case 'init':
      return `init ${boot.path}`;
  }
}
