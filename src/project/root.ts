import type { RootConfig, RootConfigLong } from '../config/schema.gen.ts';
import { type DiskScope, resolveAttachment } from './disks.ts';
import { resolveHostPath } from './host-path.ts';
import { resolveOverlay } from './overlay.ts';
import type { Place } from './place.ts';
import type { DiskAttachment, Root } from './project.ts';
import { boolOr } from './scalars.ts';

export interface RootScope extends DiskScope {
  /** The machine may find on its own what it boots. */
  readonly isOptional: boolean;
}

/** The root file system; undefined after a mistake, which is reported. */
export function resolveRoot(config: RootConfig | undefined, scope: RootScope, at: Place): Root | undefined {
  if (config === undefined && scope.isOptional) return { kind: 'none' };
  if (config === undefined) {
    at.parent.keyError('missing-key', `machine \`${at.parent.name}\` has no root`, {
      hint: 'name a directory with the root file system, such as `root: ./rootfs`',
    });
    return undefined;
  }
  if (typeof config === 'string') return { kind: 'directory', path: resolveHostPath(config, scope, at) };
  if (config.path !== undefined) return directoryRoot(config, config.path, scope, at);
  // An image is refused where keys are that krun cannot do yet.
  if (config.disk === undefined) return undefined;
  const disk = resolveAttachment(config.disk, scope, at.child('disk'));
  return disk ? blockRoot(config, disk, scope, at) : undefined;
}

function directoryRoot(config: RootConfigLong, path: string, scope: DiskScope, at: Place): Root {
  const overlay = resolveOverlay(config.overlay, scope, at.child('overlay'));
  return {
    kind: 'directory',
    path: resolveHostPath(path, scope, at.child('path')),
    ...(boolOr(config.readonly, false) ? { readOnly: true } : {}),
    ...(overlay === undefined ? {} : { overlay }),
  };
}

function blockRoot(config: RootConfigLong, disk: DiskAttachment, scope: DiskScope, at: Place): Root {
  const { source } = disk;
  const made = source.kind === 'named' ? scope.disks.get(source.name)?.fstype : undefined;
  const device = config.device ?? '/dev/vda';
  const fstype = config.fstype ?? made;
  if (!/^\/dev\/vda\d*$/.test(device)) {
    at.child('device').error('invalid-value', `the root disk is /dev/vda in the guest, not "${device}"`, {
      hint: 'write /dev/vda, or a partition such as /dev/vda1',
    });
  }
  for (const key of ['fstype', 'options'] as const) checkKernelWord(config[key], at.child(key));
  if (config.overlay !== undefined) {
    at.child('overlay').keyError(
      'conflict',
      'a root on a disk has no overlay: libkrun lays it over a directory',
      {
        hint: 'put the files on the disk, or into a directory of `shares`',
      },
    );
  }
  const isReadOnly = boolOr(config.readonly, false);
  const options = isReadOnly ? readOnlyOptions(config.options) : config.options;
  return {
    kind: 'disk',
    disk: isReadOnly ? { ...disk, readOnly: true } : disk,
    device,
    ...(fstype === undefined ? {} : { fstype }),
    ...(options === undefined ? {} : { options }),
  };
}

/** A file system that could be written to is not mounted from a disk that cannot. */
function readOnlyOptions(options: string | undefined): string {
  const words = options?.split(',') ?? [];
  return words.includes('ro') ? words.join(',') : [...words, 'ro'].join(',');
}

/** These words become part of the guest kernel's command line, which knows no quoting. */
function checkKernelWord(word: string | undefined, at: Place): void {
  if (word === undefined || /^[!#-~]+$/.test(word)) return;
  at.error('invalid-value', `"${word}" cannot be passed to the guest kernel`, {
    hint: 'use printable ASCII without spaces and double quotes',
  });
}
