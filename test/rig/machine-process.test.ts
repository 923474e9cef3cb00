import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive } from '../../src/host/identity.ts';
import { MACHINE_FAILED_EXIT, type ProcessIdentity } from '../../src/machine/spec.ts';
import { bootstrapGuest, tsiNetwork } from '../unit/machine/specs.ts';
import { MachineProcesses } from './support/machine-process.ts';

const fake = process.env['KRUN_TEST_FAKE_LIBKRUN'] ?? '';

let base: string;
let machines: MachineProcesses;
beforeEach(() => {
  base = mkdtempSync(path.join(os.tmpdir(), 'krun-mp-'));
  machines = new MachineProcesses(base);
});
afterEach(async () => {
  await machines.end();
  // A guest goes a moment after its machine process.
  rmSync(base, { recursive: true, maxRetries: 5 });
});

const FOREIGN = process.arch === 'arm64' ? { machine: 0x3e, arch: 'x64' } : { machine: 0xb7, arch: 'arm64' };

/** The start of a shared library for a processor. */
function elf(machine: number): Uint8Array {
  return Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, machine, 0]);
}

const sh = (script: string): readonly string[] => ['/bin/sh', '-c', script];

describe('a machine process', () => {
  it('runs the command, keeps its streams apart and ends with its code', async () => {
    const machine = machines.start('web', {
      guest: bootstrapGuest({ command: sh('echo out; echo err >&2; exit 7') }),
      cpus: 2,
      network: tsiNetwork([{ host: 8080, guest: 80 }]),
    });
    expect(await machine.outcome()).toBe('{"kind":"exited","exit":{"code":7}}');
    expect(await machine.exited).toEqual([7, null]);
    expect(machine.text('stdout')).toBe('out\n');
    expect(machine.text('stderr')).toBe('err\n');
    expect(machine.text('console')).toBe('');
    expect(machine.text('status')).toMatch(/^krun-start \d{13}\nkrun 2\nready\nexit 7\n$/);
    expect(readFileSync(path.join(base, 'calls'), 'utf8')).toContain(
      'krun_set_vm_config(0, 2, 512)\nkrun_set_root(0, ' +
        path.join(base, 'root') +
        ')\nkrun_set_port_map(0, [8080:80])\n',
    );
  });

  it('is known by its identity while it lives', async () => {
    const machine = machines.start('web', { guest: bootstrapGuest({ command: sh('echo up; sleep 100') }) });
    await machine.wrote('stdout', 'up');
    const identity = JSON.parse(readFileSync(machine.spec.identityFile, 'utf8')) as ProcessIdentity;
    expect(identity).toMatchObject({ pid: machine.child.pid, run: 1 });
    expect(isAlive(identity)).toBe(true);
    machine.child.kill('SIGKILL');
    expect(await machine.outcome()).toBe('{"kind":"exited","exit":{"code":null,"signal":"SIGKILL"}}');
    expect(isAlive(identity)).toBe(false);
  });

  it.each([null, 2])('does nothing when its run is revoked (intent %s)', async (intent) => {
    const machine = machines.start('web', { intent });
    expect(await machine.exited).toEqual([0, null]);
    expect(machine.text('status')).toBe('');
    expect(() => statSync(path.join(base, 'calls'))).toThrow(/ENOENT/);
  });

  it('serves krunkit state and stops the guest with the signal of the machine, or another one', async () => {
    const machine = machines.start('web', {
      guest: bootstrapGuest({
        command: sh('trap "echo usr1" USR1; trap "exit 5" INT; echo up; while :; do sleep 0.05; done'),
      }),
      stopSignal: 'SIGINT',
    });
    await machine.wrote('stdout', 'up');
    expect(statSync(machine.spec.controlSocket).mode & 0o777).toBe(0o600);
    expect(await machine.request('GET')).toEqual([
      200,
      {
        state: 'VirtualMachineStateRunning',
        canStart: false,
        canPause: false,
        canResume: false,
        canStop: true,
        canHardStop: true,
      },
    ]);
    expect((await machine.request('POST', { state: 'Stop', signal: 'SIGUSR1' }))[1]['state']).toBe(
      'VirtualMachineStateRunning',
    );
    await machine.wrote('stdout', 'usr1');
    expect((await machine.request('POST', { state: 'Stop' }))[1]['state']).toBe(
      'VirtualMachineStateStopping',
    );
    expect(await machine.outcome()).toBe('{"kind":"exited","exit":{"code":5}}');
  });

  it('refuses what krunkit refuses', async () => {
    const machine = machines.start('web', { guest: bootstrapGuest({ command: sh('echo up; sleep 100') }) });
    await machine.wrote('stdout', 'up');
    expect(await machine.request('POST', { state: 'Pause' })).toEqual([
      400,
      { error: 'the state cannot be changed to Pause; there are Stop and HardStop' },
    ]);
    expect(await machine.request('POST', {})).toEqual([
      400,
      { error: 'the body must be {"state":"Stop"} or {"state":"HardStop"}' },
    ]);
    expect((await machine.request('DELETE'))[0]).toBe(405);
    expect((await machine.request('GET', undefined, '/other'))[0]).toBe(404);
    expect((await machine.request('GET', undefined, '/vm/state/?x=1'))[0]).toBe(200);
  });

  it('answers HardStop before it is gone', async () => {
    const machine = machines.start('web', {
      guest: bootstrapGuest({ command: sh('trap "" TERM INT; echo up; sleep 100') }),
    });
    await machine.wrote('stdout', 'up');
    expect((await machine.request('POST', { state: 'HardStop' }))[1]['state']).toBe(
      'VirtualMachineStateStopping',
    );
    expect(await machine.exited).toEqual([null, 'SIGKILL']);
  });

  it('takes SIGTERM for a stop and SIGHUP for nothing', async () => {
    const machine = machines.start('web', {
      guest: bootstrapGuest({ command: sh('trap "exit 4" TERM; echo up; while :; do sleep 0.05; done') }),
    });
    await machine.wrote('stdout', 'up');
    machine.child.kill('SIGHUP');
    machine.child.kill('SIGTERM');
    expect(await machine.outcome()).toBe('{"kind":"exited","exit":{"code":4}}');
  });

  it('stops a guest without a shell at once, because libkrun offers nothing else', async () => {
    const machine = machines.start('web', {
      guest: { kind: 'direct', command: ['/bin/sleep', '100'], environment: {}, workingDir: '/' },
    });
    await machine.wrote('status', 'krun-start');
    machine.child.kill('SIGTERM');
    expect(await machine.outcome()).toBe('{"kind":"exited","exit":{"code":null,"signal":"SIGKILL"}}');
  });

  it('holds its disks against a second machine and says who has them', async () => {
    const image = path.join(base, 'a.img');
    writeFileSync(image, '');
    const disk = { id: 'd', path: image, format: 'raw', sync: 'full', directIo: false } as const;
    const guest = bootstrapGuest({ command: sh('echo up; sleep 100') });
    const first = machines.start('db', { guest, disks: [{ ...disk, readOnly: false }] });
    await first.wrote('stdout', 'up');
    const second = machines.start('web', { guest, disks: [{ ...disk, readOnly: true }] });
    expect(await second.exited).toEqual([MACHINE_FAILED_EXIT, null]);
    expect(await second.outcome()).toBe(
      `{"kind":"failed","reason":"disk image BASE/a.img is in use by machine db of project shop (process ${first.child.pid})","hint":"stop its writer first"}`,
    );
    first.child.kill('SIGKILL');
    await first.exited;
    const third = machines.start('api', { guest: bootstrapGuest(), disks: [{ ...disk, readOnly: false }] });
    expect(await third.outcome()).toBe('{"kind":"exited","exit":{"code":0}}');
  });

  it('ends by itself when libkrun stays although the guest has ended', async () => {
    writeFileSync(path.join(base, 'root/.fake'), 'linger\n');
    const machine = machines.start('web', { guest: bootstrapGuest({ command: sh('exit 6') }) });
    expect(await machine.outcome()).toBe('{"kind":"exited","exit":{"code":6}}');
    expect(await machine.exited).toEqual([null, 'SIGKILL']);
  });
});

describe('a machine process that cannot run its guest', () => {
  it.each([
    [
      'return -2',
      '{"kind":"failed","reason":"libkrun did not find libkrunfw, the library with the guest kernel (krun_start_enter: ENOENT)","hint":"run `krun doctor --fix`, or name one: `libkrun.kernel_bundle` in krun.yaml, or KRUN_LIBKRUNFW"}',
    ],
    [
      'return -22',
      '{"kind":"failed","reason":"libkrun could not build the virtual machine (krun_start_enter: EINVAL)","hint":"run `krun doctor`"}',
    ],
    [
      'abort',
      '{"kind":"failed","reason":"libkrun panicked in thread <unnamed>: the stand-in was told to abort',
    ],
    ['kernel-panic', '{"kind":"failed","reason":"the guest kernel found no usable root file system'],
    ['lose-exit-code', '{"kind":"exited","exit":{"code":7}}'],
  ])('says why: %s', async (fault, expected) => {
    writeFileSync(path.join(base, 'root/.fake'), `${fault}\n`);
    const machine = machines.start('web', { guest: bootstrapGuest({ command: sh('exit 7') }) });
    expect(await machine.outcome()).toContain(expected);
  });

  it('refuses a root without a shell before it starts anything', async () => {
    rmSync(path.join(base, 'root/bin/sh'));
    const machine = machines.start('web');
    expect(await machine.outcome()).toBe(
      '{"kind":"failed","reason":"root BASE/root has no /bin/sh","hint":"put a shell there (busybox is enough), or set `agent: false` for a root without one"}',
    );
  });

  it.each([
    ['/no/such/libkrun.so.1', undefined, 'cannot load FILE: cannot open shared object file'],
    ['text', 'no library', 'cannot load FILE: file too short'],
    ['foreign', elf(FOREIGN.machine), `FILE is for ${FOREIGN.arch}, and this host is ${process.arch}`],
  ])('names a library that cannot be loaded (%s)', async (name, content, reason) => {
    const file = path.resolve(base, name);
    if (content !== undefined) writeFileSync(file, content);
    const machine = machines.start('web', { library: { libkrun: file } });
    expect(await machine.outcome()).toContain(
      `"reason":"${reason.replace('FILE', file).replace(base, 'BASE')}`,
    );
  });

  it('names a library that is something else', async () => {
    const machine = machines.start('web', { library: { libkrun: fake, libkrunfw: fake } });
    expect(await machine.outcome()).toContain(
      `"reason":"${fake} is not libkrunfw 5: it has no krunfw_get_kernel"`,
    );
  });
});
