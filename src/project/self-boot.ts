import type { MachineConfig } from '../config/schema.gen.ts';
import { initrdProblem } from '../vm/kernel-format.ts';
import type { Boot } from './boot.ts';
import { isSelfBooting } from './has-agent.ts';
import type { Place } from './place.ts';
import type { Machine } from './project.ts';
import { boolOr } from './scalars.ts';

/** Keys that are about what libkrun's init, or krun in the guest, would do. */
const IDLE_KEYS = [
  ['command', "start it from the guest's own init"],
  ['entrypoint', "start it from the guest's own init"],
  ['environment', "set them in the guest's own init; a kernel's `cmdline` carries `NAME=value` words to it"],
  ['env_file', "set them in the guest's own init; a kernel's `cmdline` carries `NAME=value` words to it"],
  ['working_dir', "change to it in the guest's own init"],
  ['rlimits', "set them in the guest's own init"],
] as const;
const UNHEARD_KEYS = [
  [
    'boot_timeout',
    'krun cannot see whether a guest that boots by itself has booted',
    'wait for what it does, with a `healthcheck` such as `log` or `tcp`',
  ],
  ['stop_signal', 'no signal reaches a guest that boots by itself', 'remove it: the machine is powered off'],
] as const;

/** What a machine that boots something of its own cannot have, and what its boot cannot be. */
export function checkBoot(config: MachineConfig, machine: Machine, hostArch: string, at: Place): void {
  const { boot } = machine;
  if (boot === undefined) return;
  if (boot.kind === 'firmware') checkFirmware(machine, hostArch, at);
  if (boot.kind === 'kernel') checkKernel(boot, machine, hostArch, at);
  if (isSelfBooting(config)) checkSelfBoot(config, boot, at);
}

function checkSelfBoot(config: MachineConfig, boot: Boot, at: Place): void {
  const related = [{ message: 'it boots by itself because of this', span: bootPlace(config, at).keySpan }];
  if (boolOr(config.agent, false)) {
    at.child('agent').error('conflict', 'a guest that boots by itself has no agent', {
      related,
      hint: 'remove `agent`',
    });
  }
  // An init of the user's own gets what libkrun's would.
  const idle = boot.kind === 'init' ? [] : IDLE_KEYS;
  for (const [key, hint] of idle) {
    if (!at.child(key).isWritten) continue;
    at.child(key).keyError('conflict', `\`${key}\` never reaches a guest that boots by itself`, {
      related,
      hint,
    });
  }
  for (const [key, message, hint] of UNHEARD_KEYS) {
    if (at.child(key).isWritten) at.child(key).keyError('conflict', message, { related, hint });
  }
  for (const key of boot.kind === 'init' ? [] : (['device', 'fstype', 'options'] as const)) {
    if (!at.child('root', key).isWritten) continue;
    at.child('root', key).keyError('conflict', `\`${key}\` is for libkrun's init, which does not run here`, {
      related,
      hint: "say in the kernel's `cmdline`, or on the disk, what is mounted: `root=/dev/vda`",
    });
  }
}

/** The key that makes a kernel's guest boot by itself. */
function bootPlace({ boot }: MachineConfig, at: Place): Place {
  const key = boot?.initrd === undefined ? 'cmdline' : 'initrd';
  const place = at.child('boot', key);
  return place.isWritten ? place : at.child('boot');
}

function checkFirmware({ root, disks }: Machine, hostArch: string, at: Place): void {
  const place = at.child('boot', 'firmware');
  if (hostArch === 'x64') {
    place.error('capability', 'libkrun boots no firmware on x86_64', {
      hint: "boot the root file system of the disk under the bundled kernel: `root: { disk: DISK, device: /dev/vda1 }` with the guest's init as `command`",
    });
    return;
  }
  if (root.kind === 'directory') {
    at.child('root').keyError('conflict', 'firmware boots from a disk, not from a directory', {
      related: [{ message: 'it boots firmware because of this', span: place.keySpan }],
      hint: 'write `root: { disk: FILE }`, and share the directory with `shares`',
    });
  } else if (root.kind === 'none' && disks.length === 0) {
    place.warning('conflict', 'the firmware has no disk to boot from', {
      hint: 'name one with `disks`, or with `root: { disk: FILE }`',
    });
  }
}

function checkKernel(
  { initrd }: Extract<Boot, { readonly kind: 'kernel' }>,
  { memoryMiB }: Machine,
  hostArch: string,
  at: Place,
): void {
  const problem = initrd === undefined ? undefined : initrdProblem(memoryMiB, hostArch);
  if (problem) {
    at.child('memory').error('limit', problem.message, {
      related: [{ message: 'the initrd is named here', span: at.child('boot', 'initrd').valueSpan }],
      ...problem,
    });
  }
}

/** Reports a machine that asks for TSI, a patch of the bundled kernel, which it does not boot. */
export function reportTsi(config: MachineConfig, at: Place): void {
  const key = config.networks === undefined ? 'ports' : 'networks';
  // Nobody asked for it: krun found nothing else.
  if (!at.child(key).isWritten) return;
  at.child(key).keyError('conflict', 'the driver `tsi` needs the kernel that comes with libkrun', {
    related: [{ message: 'this machine boots something else', span: at.child('boot').keySpan }],
    hint: 'install gvproxy or passt, and use one of them as `driver`',
  });
}
