import { describe, expect, it } from 'vitest';
import { hangOutcome, type RunRemains } from '../../../src/machine/outcome.ts';
import { outcome } from './outcomes.ts';

/** Texts that libkrun 1.17.4 and libkrunfw 5.6.1 really printed. */
const LOGS = {
  noLibkrunfw: "Couldn't find or load libkrunfw.so.5\n",
  kvmInternalError:
    '[2026-11-20T16:29:21Z ERROR vmm::linux::vstate] Received KVM_EXIT_INTERNAL_ERROR signal\n',
  noKvm: panic('<unnamed>', 'src/vmm/src/linux/vstate.rs:447:30', 'Error creating the Kvm object: Error(2)'),
  kvmDenied: panic(
    '<unnamed>',
    'src/vmm/src/linux/vstate.rs:447:30',
    'Error creating the Kvm object: Error(13)',
  ),
  littleMemory: panic('<unnamed>', 'src/arch/src/x86_64/mod.rs:81:25', "Kernel doesn't fit in RAM"),
  longTag: panic(
    '<unnamed>',
    'src/devices/src/virtio/fs/device.rs:76:19',
    'range end index 40 out of range for slice of length 36',
  ),
  manyDevices:
    '[2026-11-20T16:28:03Z ERROR krun] Building the microVM failed: RegisterFsDevice(IrqsExhausted)\n',
  badImage: '[2026-11-20T16:28:00Z ERROR krun] Error configuring virtio-blk for block\n',
  kernelPanic: `[2026-11-20T16:28:11Z ERROR init_or_kernel] [    2.561483] Kernel panic - not syncing: Requested init /init.krun failed (error -2).
[2026-11-20T16:28:11Z ERROR init_or_kernel] [    2.562376] Kernel Offset: disabled
`,
  wrongDevice: `[2026-11-20T16:57:52Z ERROR init_or_kernel] [    8.005648] /dev/vdz: Can't lookup blockdev
[2026-11-20T16:57:52Z ERROR init_or_kernel] mount KRUN_BLOCK_ROOT_DEVICE: No such file or directory
`,
  networkPanic: `[2026-11-20T15:00:00Z ERROR devices] Error activating virtio-net (eth0) backend: Binding(ENOENT)
${panic('fc_vcpu 0', 'src/devices/src/virtio/net/device.rs:1:1', 'Binding(ENOENT)')}`,
  outOfMemory:
    '[2026-11-20T17:38:40Z ERROR init_or_kernel] [   20.413] Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled\r\n',
  halted: '[2026-11-20T17:40:54Z ERROR init_or_kernel] [   29.329537] reboot: System halted\r\n',
  poweredOff:
    '[2026-11-20T17:40:59Z ERROR init_or_kernel] [   26.614401] reboot: Power off not available: System halted instead\r\n',
  probing: `[2026-11-20T16:26:27Z ERROR init_or_kernel] [    2.804500] EXT4-fs (vda): couldn't mount as ext3 due to feature incompatibilities
`,
};

function panic(thread: string, place: string, message: string): string {
  return `
thread '${thread}' (471) panicked at ${place}:
${message}
note: run with \`RUST_BACKTRACE=1\` environment variable to display a backtrace
fatal runtime error: failed to initiate panic, error 5, aborting
`;
}

const STARTED = 'krun-start 1795191874657\n';
const RAN = `${STARTED}krun 1\nready\n`;

describe('an exit code', () => {
  it.each([
    ['is the one that the guest reported', { status: `${RAN}exit 7\n`, code: 7 }, 'exited: 7'],
    [
      'is the reported one where libkrun loses it',
      { status: `${RAN}exit 3\n`, code: 0, root: 'disk' },
      'exited: 3',
    ],
    [
      'is the reported one although the process was killed after it',
      { status: `${RAN}exit 0\n`, signal: 'SIGKILL' },
      'exited: 0',
    ],
    [
      'comes with what the script could not do',
      { status: `${STARTED}krun 1\nerror command not found: x\nexit 127\n`, code: 127 },
      'exited: 127, command not found: x',
    ],
    [
      'is not in a line that was cut',
      { status: `${RAN}exit 1`, code: 15 },
      'exited: unknown, the guest ended without reporting an exit code',
    ],
    [
      'is unknown when the reporter was killed in the guest',
      { status: RAN, code: 0 },
      'exited: unknown, the guest ended without reporting an exit code',
    ],
    [
      'is unknown when the process was killed',
      { status: RAN, signal: 'SIGKILL' },
      'exited: unknown, SIGKILL',
    ],
    [
      'is unknown when the guest kernel panicked while it ran',
      { status: RAN, code: 0, console: LOGS.kernelPanic },
      'exited: unknown, the guest kernel found no usable root file system (Requested init /init.krun failed (error -2))',
    ],
    [
      "is unknown after a panic, told without the console's carriage return",
      { status: RAN, code: 0, console: LOGS.outOfMemory },
      'exited: unknown, the guest kernel panicked: Out of memory: system-wide panic_on_oom is enabled',
    ],
    [
      "is the process's for a command without a shell",
      { status: STARTED, code: 9, guest: 'direct' },
      'exited: 9',
    ],
    [
      'of a command without a shell is never 0, because a reboot of the guest looks the same',
      { status: STARTED, code: 0, guest: 'direct' },
      'exited: unknown, libkrun reports 0 for a guest that rebooted itself, too',
    ],
    [
      'of a command without a shell is unknown on a disk',
      { status: STARTED, code: 0, guest: 'direct', root: 'disk' },
      'exited: unknown, libkrun reports no exit codes for a root on a disk',
    ],
    [
      'of a command without a shell is unknown without a witness',
      { status: STARTED, guest: 'direct' },
      'exited: unknown, nobody was there to see its exit code',
    ],
    [
      'of a stopped command without a shell is unknown',
      { status: STARTED, signal: 'SIGKILL', guest: 'direct' },
      'exited: unknown, SIGKILL',
    ],
    [
      'survives messages of a kernel that is well',
      { status: `${RAN}exit 4\n`, code: 0, console: LOGS.probing },
      'exited: 4',
    ],
  ] satisfies [string, Partial<RunRemains>, string][])('%s', (_, remains, expected) => {
    expect(outcome(remains)).toBe(expected);
  });
});

describe('a machine that never ran its command', () => {
  it.each([
    [
      'krun refused it',
      {
        status: 'krun-error {"code":"path","message":"root has no /bin/sh","hint":"use agent: false"}\n',
        code: 70,
      },
      'failed: root has no /bin/sh [use agent: false]',
    ],
    [
      'the host has no KVM',
      { status: STARTED, signal: 'SIGABRT', console: LOGS.noKvm },
      'failed: this host has no /dev/kvm [enable virtualization in the firmware and load the kvm module; `krun doctor` checks it]',
    ],
    [
      'KVM is not for this user',
      { status: STARTED, signal: 'SIGABRT', console: LOGS.kvmDenied },
      'failed: permission denied: /dev/kvm [add yourself to the group of /dev/kvm (`sudo usermod -aG kvm $USER`) and log in again]',
    ],
    [
      'KVM cannot do it',
      { status: STARTED, code: 1, console: LOGS.kvmInternalError },
      "failed: this host's KVM cannot run the guest kernel (KVM_EXIT_INTERNAL_ERROR) [a host that is a virtual machine itself needs nested virtualization; `krun doctor` checks it]",
    ],
    [
      'there is too little memory',
      { status: STARTED, signal: 'SIGABRT', console: LOGS.littleMemory },
      'failed: the guest kernel does not fit into the memory of the machine [set `memory` to 128MiB or more]',
    ],
    [
      'libkrun aborts',
      { status: STARTED, signal: 'SIGABRT', console: LOGS.longTag },
      'failed: libkrun panicked in thread <unnamed>: range end index 40 out of range for slice of length 36 (src/devices/src/virtio/fs/device.rs:76:19) [this is a defect of libkrun or a setting that it does not check; another release may help]',
    ],
    [
      'libkrun aborts without a word',
      { status: STARTED, signal: 'SIGABRT' },
      'failed: libkrun aborted without saying why',
    ],
    [
      'the guest kernel panics',
      { status: STARTED, code: 0, console: LOGS.kernelPanic },
      'failed: the guest kernel found no usable root file system (Requested init /init.krun failed (error -2)) [check `root` of the machine, and `fstype` and `device` for a root on a disk]',
    ],
    [
      'the guest kernel panics without a shell',
      { status: STARTED, code: 0, console: LOGS.kernelPanic, guest: 'direct' },
      'failed: the guest kernel found no usable root file system (Requested init /init.krun failed (error -2)) [check `root` of the machine, and `fstype` and `device` for a root on a disk]',
    ],
    [
      'the root disk is not there',
      { status: STARTED, code: 0, console: LOGS.wrongDevice, root: 'disk' },
      'failed: the guest cannot mount its root disk: No such file or directory [check `device` and `fstype` of the root]',
    ],
    [
      'the root has no shell',
      { status: STARTED, code: 127 },
      'failed: the root has no /bin/sh [`krun logs` shows what the guest printed]',
    ],
    [
      'the shell is for another processor',
      { status: STARTED, code: 126 },
      'failed: the /bin/sh of the root cannot be executed [`krun logs` shows what the guest printed]',
    ],
    [
      'the guest just ended',
      { status: STARTED, code: 0, console: LOGS.probing },
      "failed: the guest ended before it reported in: [2026-11-20T16:26:27Z ERROR init_or_kernel] [    2.804500] EXT4-fs (vda): couldn't mount as ext3 due to feature incompatibilities",
    ],
    [
      'it was killed',
      { status: STARTED, signal: 'SIGKILL' },
      'failed: the machine process was ended by SIGKILL before the guest reported in',
    ],
    [
      'the process broke',
      { code: 1, console: 'Error: out of luck\n' },
      'failed: the machine process ended before the guest was started (exit code 1): Error: out of luck',
    ],
  ] satisfies [string, Partial<RunRemains>, string][])('says why when %s', (_, remains, expected) => {
    expect(outcome(remains)).toBe(expected);
  });
});

describe('a machine whose network ended', () => {
  const ended = 'krun-helper {"name":"passt","code":null,"signal":"SIGKILL"}\n';

  it.each([
    ['is a failure', { status: RAN + ended, signal: 'SIGKILL' }],
    ['is a failure without a witness', { status: RAN + ended }],
    ['is one although its command then failed for it', { status: `${RAN}${ended}exit 1\n`, code: 1 }],
  ])('%s', (_, remains) => {
    expect(outcome(remains)).toBe(
      'failed: passt ended (SIGKILL): the guest lost its network [`krun logs --helpers` shows what it printed; with `restart: on-failure` the machine would start again]',
    );
  });

  it('keeps the exit code that it had reported before', () => {
    expect(outcome({ status: `${RAN}exit 0\n${ended}`, code: 0 })).toBe('exited: 0');
  });

  it('names the exit code of a helper', () => {
    const status = `${RAN}krun-helper {"name":"vmnet-helper","code":1,"signal":null}\n`;
    expect(outcome({ status, signal: 'SIGKILL' })).toContain('vmnet-helper ended (exit code 1): ');
  });

  it.each(['{"name":"rm -rf"}', '{"name":"passt","signal":"x\\u001b[2J"}', '{'])(
    'is not what the guest makes up: %s',
    (json) =>
      expect(outcome({ status: `${RAN}krun-helper ${json}\n`, signal: 'SIGKILL' })).toBe(
        'exited: unknown, SIGKILL',
      ),
  );
});

describe('a live machine', () => {
  it('has no future when its link was closed', () => {
    const line =
      'LIBKRUN VIRTIO-NET FATAL: Backend process seems to have quit or crashed! Networking is now disabled!\n';
    expect(hangOutcome(`${LOGS.probing}${line}`)).toEqual({
      kind: 'failed',
      reason: 'the guest lost its network: what served it has ended',
      hint: '`krun up` starts it again, with its network',
    });
    expect(hangOutcome(`[2026-11-20T16:28:11Z ERROR init_or_kernel] ${line}`)).toBeUndefined();
  });

  it('hangs when a thread of libkrun has panicked, and says why', () => {
    expect(hangOutcome(LOGS.networkPanic)).toEqual({
      kind: 'failed',
      reason: 'the network backend of eth0 does not answer: Binding(ENOENT)',
    });
  });

  it.each(['halted', 'poweredOff'] as const)('is one that was switched off from inside: %s', (name) => {
    const exit = { code: null, reason: 'the guest was halted without reporting an exit code' };
    expect(hangOutcome(LOGS[name])).toEqual({ kind: 'exited', exit });
  });

  it.each(['noLibkrunfw', 'kvmInternalError', 'kernelPanic', 'manyDevices', 'badImage', 'probing'] as const)(
    'does not hang for what libkrun ends by itself: %s',
    (name) => expect(hangOutcome(LOGS[name])).toBeUndefined(),
  );

  it('cannot be declared hung by text from the guest', () => {
    const line = "[2026-11-20T16:28:11Z ERROR init_or_kernel] thread 'x' panicked at y:1:1:\n";
    expect(hangOutcome(line)).toBeUndefined();
    expect(hangOutcome('reboot: System halted\n')).toBeUndefined();
  });
});
