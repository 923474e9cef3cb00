import { extname } from 'node:path';
import { nearest } from '../base/text.ts';
import type { DiskConfig, MachineDiskConfig, MachineDiskConfigLong } from '../config/schema.gen.ts';
import { type HostScope, resolveHostPath } from './host-path.ts';
import type { Place } from './place.ts';
import type { Disk, DiskAttachment, DiskFormat } from './project.ts';
import { boolOr, sizeOr } from './scalars.ts';

const SECTOR_BYTES = 4096;

/** One disk of the project's `disks`. */
export function resolveDisk(name: string, config: DiskConfig, at: Place): Disk {
  const size = sizeOr(config.size, SECTOR_BYTES, at.child('size'));
  if (size === 0) {
    at.child('size').error('limit', `disk \`${name}\` has no size`, { hint: 'write a size such as 10GiB' });
  }
  return {
    name,
    // Guests address whole sectors; part of one would be lost.
    sizeBytes: Math.ceil(size / SECTOR_BYTES) * SECTOR_BYTES,
    format: config.format ?? 'raw',
    ...(config.fstype === undefined ? {} : { fstype: config.fstype }),
    protect: boolOr(config.protect, false),
  };
}

/** What attaching a disk needs to know of the project. */
export interface DiskScope extends HostScope {
  readonly disks: ReadonlyMap<string, Disk>;
}

/** One entry of a machine's `disks`, or the disk of its root. */
export function resolveAttachment(
  config: MachineDiskConfig,
  scope: DiskScope,
  at: Place,
): DiskAttachment | undefined {
  const long: MachineDiskConfigLong = typeof config === 'string' ? { source: config } : config;
  const place = typeof config === 'string' ? at : at.child('source');
  const source = resolveSource(long.source, scope, place);
  if (!source) return undefined;
  return {
    source,
    format: resolveFormat(long, source, scope, at),
    readOnly: boolOr(long.readonly, false),
    sync: long.sync ?? 'full',
    directIo: boolOr(long.direct_io, false),
  };
}

type Source = DiskAttachment['source'];

/** Names have no slash; whatever has one is a path. */
function resolveSource(source: string, scope: DiskScope, place: Place): Source | undefined {
  if (source.includes('/')) return { kind: 'file', path: resolveHostPath(source, scope, place) };
  if (scope.disks.has(source)) return { kind: 'named', name: source };
  const near = nearest(source, scope.disks.keys());
  const ownHint =
    extname(source) === '' ? `add \`${source}\` to \`disks\`` : `write \`./${source}\` for a file`;
  place.error('unknown-reference', `there is no disk \`${source}\``, {
    hint: near === undefined ? ownHint : `did you mean \`${near}\`?`,
  });
  return undefined;
}

function resolveFormat(
  config: MachineDiskConfigLong,
  source: Source,
  scope: DiskScope,
  at: Place,
): DiskFormat {
  if (source.kind === 'file') return config.format ?? formatByExtension(source.path);
  const format = scope.disks.get(source.name)?.format ?? 'raw';
  if (config.format !== undefined && config.format !== format) {
    at.child('format').error('conflict', `disk \`${source.name}\` is ${format}, not ${config.format}`, {
      hint: `leave \`format\` out here: \`disks.${source.name}.format\` decides`,
    });
  }
  return format;
}

function formatByExtension(path: string): DiskFormat {
  const extension = extname(path).toLowerCase();
  if (extension === '.qcow2') return 'qcow2';
  return extension === '.vmdk' ? 'vmdk' : 'raw';
}

/** The data disks of a machine in the order of the file; each disk once. */
export function resolveAttachments(
  configs: readonly MachineDiskConfig[],
  rootDisk: DiskAttachment | undefined,
  scope: DiskScope,
  at: Place,
): readonly DiskAttachment[] {
  const seen = new Set(rootDisk ? [diskKey(rootDisk)] : []);
  return configs.flatMap((config, index) => {
    const place = at.child(index);
    const attachment = resolveAttachment(config, scope, place);
    if (!attachment) return [];
    const key = diskKey(attachment);
    if (seen.has(key)) {
      place.error('conflict', `the machine has the disk \`${key}\` twice`, { hint: 'remove one of the two' });
    }
    seen.add(key);
    place.isOriginOf(at.path, key);
    return [attachment];
  });
}

/** One text for one disk: the name, or the path (which has a slash, as no name has). */
export function diskKey({ source }: DiskAttachment): string {
  return source.kind === 'named' ? source.name : source.path;
}
