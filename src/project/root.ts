import type { RootConfig, RootConfigLong } from '../config/schema.gen.ts';
import { type DiskScope, resolveAttachment } from './disks.ts';
import { resolveHostPath } from './host-path.ts';
import type { Place } from './place.ts';
import type { DiskAttachment, Root } from './project.ts';

/** The root file system; undefined after a mistake, which is reported. */
export function resolveRoot(config: RootConfig | undefined, scope: DiskScope, at: Place): Root | undefined {
  if (config === undefined) {
    at.parent.keyError('missing-key', `machine \`${at.parent.name}\` has no root`, {
      hint: 'name a directory with the root file system, such as `root: ./rootfs`',
    });
    return undefined;
  }
  if (typeof config === 'string') return { kind: 'directory', path: resolveHostPath(config, scope, at) };
  if (config.path !== undefined)
    return { kind: 'directory', path: resolveHostPath(config.path, scope, at.child('path')) };
  // An image is refused where keys are that krun cannot do yet.
  if (config.disk === undefined) return undefined;
  const disk = resolveAttachment(config.disk, scope, at.child('disk'));
  return disk ? blockRoot(config, disk, scope, at) : undefined;
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
  return {
    kind: 'disk',
    disk,
    device,
    ...(fstype === undefined ? {} : { fstype }),
    ...(config.options === undefined ? {} : { options: config.options }),
  };
}

/** These words become part of the guest kernel's command line, which knows no quoting. */
function checkKernelWord(word: string | undefined, at: Place): void {
  if (word === undefined || /^[!#-~]+$/.test(word)) return;
  at.error('invalid-value', `"${word}" cannot be passed to the guest kernel`, {
    hint: 'use printable ASCII without spaces and double quotes',
  });
}
