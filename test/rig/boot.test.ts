import { chmodSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { createCliRig, machine, SERVICE } from './cli-project.ts';
import type { Rig } from './support/rig.ts';
import { until } from './support/until.ts';

/** The beginning of an ELF file for this processor, which the stand-in takes for a kernel. */
const ELF = Uint8Array.from([
  0x7f,
  0x45,
  0x4c,
  0x46,
  2,
  1,
  1,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  2,
  0,
  process.arch === 'arm64' ? 0xb7 : 0x3e,
  0,
]);

/** A machine whose kernel runs this script as its initrd. */
async function ownKernel(script: string, ...keys: string[]): Promise<Rig> {
  const lines = keys.map((key) => `    ${key}\n`).join('');
  const rig = await createCliRig(
    `  guest:\n    boot: { kernel: ./vmlinux, initrd: ./initrd, cmdline: console=ttyS0 }\n${lines}`,
  );
  await rig.write('vmlinux', ELF);
  await rig.write('initrd', script);
  return rig;
}

async function state(rig: Rig, name = 'guest'): Promise<{ status: string; exit?: { reason?: string } }> {
  const [record] = JSON.parse(await rig.ok(['inspect', name])) as [{ record: { state: { status: string } } }];
  return record.record.state;
}

async function ended(rig: Rig): Promise<{ status: string; exit?: { reason?: string } }> {
  await until(async () => (await state(rig)).status === 'exited', { timeoutMs: 20_000 });
  return state(rig);
}

// The format of the stand-in's kernel is x86's.
describe.skipIf(process.arch !== 'x64')('a guest that boots by itself', () => {
  test('says what it says on its serial port, and ends without a code', async () => {
    await using rig = await ownKernel('echo "booted with $KRUN_CMDLINE"\n');
    await rig.ok(['up', '-d']);
    expect(await ended(rig)).toMatchObject({
      status: 'exited',
      exit: { code: null, reason: 'a guest that boots by itself does not say how it ended' },
    });
    expect(await rig.ok(['logs', '--no-log-prefix'])).toBe('booted with console=ttyS0\n');
    expect(await rig.ok(['ps', '-a'])).toMatch(/^guest +exited \(\?\)/m);
  });

  test('is powered off by a stop, which is told', async () => {
    await using rig = await ownKernel('echo booted; exec sleep 1000\n');
    await rig.ok(['up', '-d']);
    const stopped = await rig.krun(['stop']);
    expect(stopped.code).toBe(0);
    expect(stopped.stderr).toContain(
      'powered off: libkrun cannot ask a guest that boots by itself to shut down',
    );
    expect(await state(rig)).toMatchObject({ status: 'exited', exit: { code: null, signal: 'SIGKILL' } });
  });

  test('has ended when its kernel says that it is halted', async () => {
    await using rig = await ownKernel(
      'echo bye; echo "[    9.7] reboot: Power off not available: System halted instead"; exec sleep 1000\n',
    );
    await rig.ok(['up', '-d']);
    expect(await ended(rig)).toMatchObject({
      exit: { code: null, reason: 'the guest was halted; how it ended is not known' },
    });
  });

  test("has its kernel's panic as the reason", async () => {
    await using rig = await ownKernel(
      'echo "[    1.2] Kernel panic - not syncing: No working init found."\n',
    );
    await rig.ok(['up', '-d']);
    expect(await ended(rig)).toMatchObject({
      exit: { code: null, reason: 'the guest kernel panicked: No working init found.' },
    });
  });

  test('is waited for by what it prints, and runs no commands', async () => {
    await using rig = await ownKernel(
      'echo ready to serve; exec sleep 1000\n',
      'healthcheck: { log: ready }',
    );
    await rig.ok(['up', '-d', '--wait']);
    const exec = await rig.krun(['exec', 'guest', 'true']);
    expect(exec.code).not.toBe(0);
    expect(exec.stderr).toContain('no agent');
    const run = await rig.krun(['run', 'guest', 'true']);
    expect(run.stderr).toContain('`command` never reaches a guest that boots by itself');
  });

  test('is another machine with another command line, which plan says without showing it', async () => {
    await using rig = await ownKernel('exec sleep 1000\n');
    await rig.ok(['up', '-d']);
    const text = await rig.read('krun.yaml');
    await rig.write('krun.yaml', text.replace('console=ttyS0', 'console=ttyS0 token=hunter2'));
    const plan = await rig.krun(['plan']);
    expect(plan.stdout).toContain('boot cmdline changed (krun.yaml:4)');
    expect(plan.stdout).not.toContain('hunter2');
  });

  test('is refused where libkrun cannot unpack its kernel, with what to do', async () => {
    await using rig = await ownKernel('true\n');
    await rig.write('vmlinux', Buffer.from('\xFD7zXZ\0 and more', 'latin1'));
    const up = await rig.krun(['up', '-d']);
    expect(up.code).toBe(1);
    expect(up.stderr).toMatch(/kernel \S+vmlinux is compressed with xz/);
    expect(up.stderr).toContain('extract-vmlinux');
  });
});

describe('a root that the guest cannot change', () => {
  test('has to have the mount points, and then is shared so', async () => {
    await using rig = await createCliRig(
      machine('web', SERVICE, { root: '{ path: ./root, readonly: true }' }),
      { env: { FAKE_KRUN_CALLS: '' } },
    );
    const up = await rig.krun(['up', '-d']);
    expect(up.code).toBe(1);
    expect(up.stderr).toMatch(/the read-only root \S+ has no \/dev, \/proc, \/sys, \/tmp, which the guest/);
    for (const name of ['dev', 'proc', 'sys', 'tmp']) await rig.write(`root/${name}/.keep`, '');
    const calls = path.join(rig.base, 'calls');
    await rig.ok(['down']);
    await rig.ok(['up', '-d'], { env: { FAKE_KRUN_CALLS: calls } });
    expect(await readFile(calls, 'utf8')).toContain(
      `krun_add_virtiofs3(0, /dev/root, ${rig.directory}/root, 0, 1)`,
    );
  });
});

describe('nested virtualization', () => {
  const keys = { nested: 'true' };

  test('is refused where libkrun is too old for it', async () => {
    await using rig = await createCliRig(machine('web', SERVICE, keys));
    const up = await rig.krun(['up', '-d']);
    expect(up.stderr).toContain('this libkrun has no nested virtualization on Linux');
    expect(up.stderr).toContain('use libkrun 1.18 or newer');
  });

  test('is refused where the host has none, and asked for where it has', async () => {
    await using rig = await createCliRig(machine('web', SERVICE, keys), { env: { FAKE_KRUN_NESTED: '0' } });
    expect((await rig.krun(['up', '-d'])).stderr).toContain(
      "this host's KVM does not give its guests virtual machines",
    );
    await rig.ok(['down']);
    const calls = path.join(rig.base, 'calls');
    await rig.ok(['up', '-d'], { env: { FAKE_KRUN_NESTED: '1', FAKE_KRUN_CALLS: calls } });
    expect(await readFile(calls, 'utf8')).toContain('krun_set_nested_virt(0, 1)');
  });
});

describe.skipIf(process.getuid?.() !== 0)('a host user for the machine process', () => {
  const NOBODY = 65_534;

  test('has to reach the root, which is told before anything starts', async () => {
    await using rig = await createCliRig(machine('web', SERVICE, { uid: String(NOBODY) }));
    const up = await rig.krun(['up', '-d']);
    expect(up.code).toBe(1);
    expect(up.stderr).toMatch(/user 65534 \(group 0\) cannot open (the root|the device) \S+/);
  });

  /** Where a user without rights may open it, or nobody needs to. */
  const isOpen = ((statSync('/dev/kvm', { throwIfNoEntry: false })?.mode ?? 0o666) & 0o006) === 0o006;

  test.skipIf(!isOpen)('is what the guest is served as, and krun still knows how it ends', async () => {
    await using rig = await createCliRig(
      machine('web', 'echo started; read -r line </root-only; exit 3', { uid: String(NOBODY) }),
    );
    for (const directory of [rig.base, rig.directory]) chmodSync(directory, 0o755);
    await rig.ok(['up', '-d']);
    expect((await rig.krun(['wait', 'web'])).code).toBe(3);
  });
});

test.skipIf(statSync('/dev/sev', { throwIfNoEntry: false }) !== undefined || process.arch !== 'x64')(
  'a confidential machine is refused where the host has no such processor',
  async () => {
    await using rig = await createCliRig(
      '  vault:\n    root: { disk: ./disk.img }\n    tee: { config: ./tee.json }\n',
    );
    await rig.write('disk.img', '');
    await rig.write('tee.json', '{ "tee": "snp" }');
    expect((await rig.krun(['up', '-d'])).stderr).toContain('this host has no /dev/sev');
    await rig.write('tee.json', '{}');
    await rig.ok(['down']);
    expect((await rig.krun(['up', '-d'])).stderr).toContain('does not say which technology it is for');
  },
);
