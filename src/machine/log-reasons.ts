/** A known cause behind lines of libkrun's log, a Rust panic message or the guest kernel's last words. */
export interface LogReason {
  readonly reason: string;
  readonly hint?: string;
}

interface Pattern {
  readonly pattern: RegExp;
  readonly reason: (groups: readonly string[]) => string;
  readonly hint?: string;
}

/** Rust's panic message: lines of libkrun's own, never of the guest, whose lines carry a time and a level. */
const PANIC = String.raw`^thread '([^']*)'(?: \(\d+\))? panicked at ([^\n]*?):?\n`;

/** More exact ones first. */
const PATTERNS: readonly Pattern[] = [
  {
    pattern: /Received KVM_EXIT_INTERNAL_ERROR/,
    reason: () => "this host's KVM cannot run the guest kernel (KVM_EXIT_INTERNAL_ERROR)",
    hint: 'a host that is a virtual machine itself needs nested virtualization; `krun doctor` checks it',
  },
  {
    pattern: new RegExp(`${PANIC}Error creating the Kvm object: Error\\(2\\)`, 'm'),
    reason: () => 'this host has no /dev/kvm',
    hint: 'enable virtualization in the firmware and load the kvm module; `krun doctor` checks it',
  },
  {
    pattern: new RegExp(`${PANIC}Error creating the Kvm object: Error\\(13\\)`, 'm'),
    reason: () => 'permission denied: /dev/kvm',
    hint: 'add yourself to the group of /dev/kvm (`sudo usermod -aG kvm $USER`) and log in again',
  },
  {
    pattern: new RegExp(`${PANIC}Kernel doesn't fit in RAM`, 'm'),
    reason: () => 'the guest kernel does not fit into the memory of the machine',
    hint: 'set `memory` to 128MiB or more',
  },
  {
    pattern: /Couldn't find or load (libkrunfw\S*[^.\s])/,
    reason: ([file = 'libkrunfw']) => `libkrun did not find ${file}, which holds the guest kernel`,
    hint: 'run `krun doctor --fix`, or name one: `libkrun.kernel_bundle` in krun.yaml, or KRUN_LIBKRUNFW',
  },
  {
    pattern: /IrqsExhausted/,
    reason: () => 'the machine has more devices than libkrun has interrupts for',
    hint: 'attach fewer disks and shares',
  },
  {
    pattern: /Error configuring virtio-blk/,
    reason: () => 'libkrun cannot open a disk image',
    hint: 'check that `format` is what the image really is (`qemu-img info FILE`), and its permissions',
  },
  {
    pattern: /Error activating virtio-net \((\w+)\) backend: ([^\n]*)/,
    reason: ([device = '', cause = '']) => `the network backend of ${device} does not answer: ${cause}`,
  },
  {
    pattern: /hv_vm_create: HV_DENIED/,
    reason: () =>
      'this node may not make virtual machines: it lacks com.apple.security.hypervisor (HV_DENIED)',
    hint: 'run `krun doctor --fix`, which signs a copy of node',
  },
  {
    pattern: /hv_vm_create: HV_NO_RESOURCES/,
    reason: () => 'macOS has no room for a further virtual machine (HV_NO_RESOURCES)',
    hint: 'end others; `sysctl kern.hv.max_address_spaces` says how many there can be',
  },
  {
    pattern: /hv_vm_create: HV_UNSUPPORTED/,
    reason: () => 'Hypervisor.framework cannot do here what the machine asks for (HV_UNSUPPORTED)',
    hint: 'remove `nested`; in a virtual machine, enable nested virtualization (M3 or newer, macOS 15 or newer)',
  },
  {
    pattern: /hv_vm_create: (\S+)/,
    reason: ([answer = '']) => `Hypervisor.framework refused to create a virtual machine (${answer})`,
    hint: '`krun doctor` checks what it needs',
  },
  {
    pattern: /VmSetup\(VmCreate/,
    reason: () => 'Hypervisor.framework refused to create a virtual machine',
    hint: 'the running node needs the entitlement com.apple.security.hypervisor; `krun doctor` checks it',
  },
  {
    pattern: /Building the microVM failed: ([^\n]*)/,
    reason: ([cause = '']) => `libkrun could not build the virtual machine: ${cause}`,
  },
  {
    pattern:
      /Kernel panic - not syncing: (Requested init \/init\.krun failed[^\n]*|VFS: Unable to mount root fs[^\n]*)/,
    reason: ([cause = '']) =>
      `the guest kernel found no usable root file system (${cause.replace(/\.$/, '')})`,
    hint: 'check `root` of the machine, and `fstype` and `device` for a root on a disk',
  },
  {
    pattern: /mount KRUN_BLOCK_ROOT_DEVICE: ([^\n]*)/,
    reason: ([cause = '']) => `the guest cannot mount its root disk: ${cause}`,
    hint: 'check `device` and `fstype` of the root',
  },
  {
    pattern: /Kernel panic - not syncing: ([^\n]*)/,
    reason: ([cause = '']) => `the guest kernel panicked: ${cause}`,
  },
  {
    pattern: new RegExp(`${PANIC}([^\\n]*)`, 'm'),
    reason: ([thread = '', place = '', message = '']) =>
      `libkrun panicked in thread ${thread}: ${message} (${place})`,
    hint: 'this is a defect of libkrun or a setting that it does not check; another release may help',
  },
];

/** The most exact known cause in a log; undefined where none is known. */
export function explainLog(text: string): LogReason | undefined {
  // The guest's console ends its lines with a carriage return too.
  const plain = text.replaceAll('\r', '');
  for (const { pattern, reason, hint } of PATTERNS) {
    const match = pattern.exec(plain);
    if (match) return { reason: reason(match.slice(1)), ...(hint === undefined ? {} : { hint }) };
  }
  return undefined;
}

/** A thread of libkrun that panics leaves the others waiting for ever. */
export function hasPanic(text: string): boolean {
  return new RegExp(PANIC, 'm').test(text);
}

/** libkrun has no power switch that its guest kernel knows: after `poweroff` or `halt` it waits for ever. */
const HALTED = 'reboot: (?:System halted|Power off not available|Power down)';

/** A guest kernel's last words, through libkrun's log. */
export function isHalted(text: string): boolean {
  return new RegExp(String.raw`^\[[^\]]*init_or_kernel\] \[ *[\d.]+\] ${HALTED}`, 'm').test(text);
}

/** A line of a kernel that the user brought, on its serial port or through libkrun's log. */
const KERNEL_LINE = String.raw`^(?:\[[^\]]*init_or_kernel\] )?(?:\[ *[\d.]+\] )?`;

/** The same of a guest that boots by itself, whose kernel speaks on its serial port. */
export function isHaltedBySelf(text: string): boolean {
  return new RegExp(KERNEL_LINE + HALTED, 'm').test(text);
}

/** The last line of a kernel that stays after its panic: why it panicked. */
export function lastPanic(text: string): string | undefined {
  return new RegExp(`${KERNEL_LINE}---\\[ end Kernel panic - not syncing: (.*?) ?\\]---`, 'm').exec(
    text,
  )?.[1];
}

/** Why a kernel panicked that was told to reboot then. */
export function panicBeforeReboot(text: string): string | undefined {
  return new RegExp(`${KERNEL_LINE}Kernel panic - not syncing: ([^\\r\\n]*)`, 'm').exec(text)?.[1];
}

/** libkrun's last words on an interface whose socket was closed by the other end. */
export function hasLostLink(text: string): boolean {
  return /^LIBKRUN VIRTIO-NET FATAL: /m.test(text);
}
