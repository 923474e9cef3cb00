import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  bootableDisk,
  goes,
  krunkit,
  rest,
  restPort,
  startedKrunkit,
  withDescriptor,
} from './support/krunkit.ts';
import { createRig } from './support/rig.ts';
import { until } from './support/until.ts';

const RUNNING = {
  state: 'VirtualMachineStateRunning',
  canStart: false,
  canPause: false,
  canResume: false,
  canStop: true,
  canHardStop: true,
};

describe('krun krunkit', () => {
  test('runs a disk in the foreground, and Stop over tcp ends it in order', async () => {
    await using rig = await createRig({ env: { FAKE_KRUN_CALLS: '/dev/null' } });
    const disk = await bootableDisk(rig);
    const krun = await startedKrunkit(rig, krunkit(disk, '--restful-uri', 'tcp://localhost:0'));
    const port = await restPort(krun);
    expect(await rig.read('pid')).toBe(String(krun.child.pid));
    expect(await rest(port, 'GET', '/vm/state')).toEqual({ status: 200, body: RUNNING });
    expect(await rest(port, 'GET', '/vm/state/?x=1')).toEqual({ status: 200, body: RUNNING });
    expect(await rest(port, 'GET', '/vm/inspect')).toMatchObject({
      status: 200,
      body: {
        vcpus: 1,
        memoryBytes: 268_435_456,
        devices: [{ kind: 'virtioblk', imagePath: disk, format: 'raw', readOnly: false }],
        krun: { boot: { kind: 'root-disk', device: '/dev/vda2', fstype: 'ext4' } },
      },
    });
    expect(await rest(port, 'POST', '/vm/state', { body: '{"state":"Stop"}' })).toEqual({
      status: 200,
      body: { ...RUNNING, state: 'VirtualMachineStateStopping', canStop: false },
    });
    expect(await krun.result).toMatchObject({ code: 0, stdout: 'init runs\nin order\n' });
    expect(krun.stderr()).toContain(`the kernel of libkrunfw runs the init of /dev/vda2 (ext4) of ${disk}`);
    expect(await rig.read('pid')).toBe(String(krun.child.pid));
  });

  test('answers bad requests with what is wrong with them, and goes on', async () => {
    await using rig = await createRig();
    const krun = await startedKrunkit(
      rig,
      krunkit(await bootableDisk(rig), '--restful-uri', 'tcp://localhost:0'),
    );
    const port = await restPort(krun);
    const post = (body: string): Promise<unknown> => rest(port, 'POST', '/vm/state', { body });
    expect(await rest(port, 'GET', '/vm')).toEqual({
      status: 404,
      body: { error: 'there is no /vm; there are /vm/state and /vm/inspect' },
    });
    expect(await rest(port, 'PUT', '/vm/state')).toEqual({ status: 405, body: { error: 'use GET or POST' } });
    expect(await rest(port, 'POST', '/vm/inspect')).toEqual({ status: 405, body: { error: 'use GET' } });
    const malformed = {
      status: 400,
      body: { error: 'the body must be {"state":"Stop"} or {"state":"HardStop"}' },
    };
    for (const body of ['', 'Stop', '{}', 'null', '{"state":1}']) expect(await post(body)).toEqual(malformed);
    expect(await post('{"state":"Pause"}')).toEqual({
      status: 400,
      body: { error: 'the state cannot be changed to Pause; there are Stop and HardStop' },
    });
    expect(await post(`{"state":"${'x'.repeat(5000)}"}`)).toMatchObject({ status: 413 });
    const ofPage = { body: '{"state":"HardStop"}', headers: { origin: 'http://example.com' } };
    expect(await rest(port, 'POST', '/vm/state', ofPage)).toMatchObject({ status: 403 });
    expect(await rest(port, 'GET', '/vm/state')).toEqual({ status: 200, body: RUNNING });
    krun.signal('SIGTERM');
    await krun.result;
  });

  test('HardStop over a unix socket, which is for its owner only, ends it at once', async () => {
    await using rig = await createRig();
    const socket = path.join(rig.directory, 'rest');
    const words = krunkit(await bootableDisk(rig), '--restful-uri', 'unix://rest');
    const first = await startedKrunkit(rig, words);
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    // What a killed machine leaves is replaced.
    first.signal('SIGKILL');
    await first.result;
    expect(existsSync(socket)).toBe(true);
    const second = await startedKrunkit(rig, words);
    expect(await rest(socket, 'POST', '/vm/state', { body: '{"state":"HardStop"}' })).toEqual({
      status: 200,
      body: { ...RUNNING, state: 'VirtualMachineStateStopping', canStop: false },
    });
    expect(await second.result).toMatchObject({ code: 0, stdout: 'init runs\n' });
    expect(await goes(socket)).toBe(true);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s ends it, and takes its files along',
    async (signal) => {
      await using rig = await createRig();
      const words = krunkit(
        await bootableDisk(rig),
        '--restful-uri',
        'unix://rest',
        '--device',
        'virtio-vsock,port=7,socketURL=guest,connect',
      );
      const krun = await startedKrunkit(rig, words);
      const runtime = path.join(rig.runtimeDirectory, 'krun', 'krunkit');
      expect(await readdir(runtime)).toEqual([String(krun.child.pid)]);
      expect(existsSync(path.join(rig.directory, 'guest'))).toBe(true);
      krun.signal(signal);
      expect(await krun.result).toMatchObject({ code: null, signal });
      expect(await readdir(runtime)).toEqual([]);
      expect(existsSync(path.join(rig.directory, 'rest'))).toBe(false);
      expect(existsSync(path.join(rig.directory, 'guest'))).toBe(false);
      expect(await rig.read('pid')).toBe(String(krun.child.pid));
    },
  );

  test('runs where nobody reads what it says', async () => {
    await using rig = await createRig();
    const args = krunkit(await bootableDisk(rig), '--restful-uri', 'unix://rest', '--pidfile', 'pid');
    const child = spawn(process.execPath, [rig.program, ...args], {
      cwd: rig.directory,
      env: rig.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.destroy();
    const ended = once(child, 'exit');
    await until(() => child.exitCode !== null || existsSync(path.join(rig.directory, 'pid')), {
      timeoutMs: 20_000,
    });
    expect(await rest(path.join(rig.directory, 'rest'), 'GET', '/vm/state')).toMatchObject({ body: RUNNING });
    child.kill('SIGTERM');
    expect(await ended).toEqual([null, 'SIGTERM']);
  });

  test('writes the console into a file, and ends where the guest was halted', async () => {
    await using rig = await createRig();
    const disk = await bootableDisk(
      rig,
      `#!/bin/sh\necho "[    1.000000] reboot: System halted"\nexec sleep 600\n`,
    );
    const result = await rig.krun(krunkit(disk, '--device', 'virtio-serial,logFilePath=serial.log'));
    expect(result.code).toBe(0);
    expect(await rig.read('serial.log')).toBe('[    1.000000] reboot: System halted\n');
  });

  test('gives libkrun a connected stream, and no machine where libkrun refuses', async () => {
    await using rig = await createRig();
    const calls = path.join(rig.base, 'calls');
    const disk = await bootableDisk(rig);
    await writeFile(`${disk}.fake`, 'return -22\n');
    const socket = path.join(rig.directory, 'passt');
    const server = createServer((connection) => connection.on('error', () => undefined)).listen(socket);
    await once(server, 'listening');
    const connected = once(server, 'connection');
    const net = ['--device', `virtio-net,type=unixstream,path=${socket},mac=5a:94:ef:e4:0c:01`];
    // What earlier machines said there explains nothing.
    await rig.write('log', 'Kernel panic - not syncing: earlier\n');
    const result = await rig.krun(krunkit(disk, ...net, '--pidfile', 'pid', '--log-file', 'log'), {
      env: { FAKE_KRUN_CALLS: calls },
    });
    await connected;
    server.close();
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(
      'error: libkrun could not build the virtual machine (krun_start_enter: EINVAL)\nhint: ',
    );
    expect(existsSync(path.join(rig.directory, 'pid'))).toBe(false);
    expect(await rig.read('log')).toMatch(/^Kernel panic - not syncing: earlier\n/);
    const made = await readFile(calls, 'utf8');
    expect(made).toContain('krun_add_net_unixstream(0, NULL, fd, 5a:94:ef:e4:0c:01, 0x0, 0)\n');
    expect(made).toMatch(/^krun_set_root_disk_remount\(0, \/dev\/vda2, ext4, NULL\)$/m);
    expect(await readdir(path.join(rig.runtimeDirectory, 'krun', 'krunkit'))).toEqual([]);
  });

  test('removes what machines left behind that were killed', async () => {
    await using rig = await createRig();
    const words = krunkit(await bootableDisk(rig));
    const first = await startedKrunkit(rig, words);
    first.signal('SIGKILL');
    await first.result;
    const second = await startedKrunkit(rig, words);
    const left = await readdir(path.join(rig.runtimeDirectory, 'krun', 'krunkit'));
    expect(left).toEqual([String(second.child.pid)]);
    second.signal('SIGTERM');
    await second.result;
  });

  test('takes a socket that it was started with, and refuses one of the other kind', async () => {
    await using rig = await createRig();
    const calls = path.join(rig.base, 'calls');
    const disk = await bootableDisk(rig);
    await writeFile(`${disk}.fake`, 'return -22\n');
    const net = (type: string): readonly string[] =>
      krunkit(disk, '--device', `virtio-net,type=${type},fd=3,mac=5a:94:ef:e4:0c:01`);
    const env = { FAKE_KRUN_CALLS: calls };
    // What Node calls a pipe is a socket pair.
    const other = await withDescriptor(rig, net('unixgram'), 'pipe', env);
    expect(other.stderr).toContain('virtio-net fd=3 is not a datagram socket\nhint: write type=unixstream');
    expect((await withDescriptor(rig, net('unixstream'), 'pipe', env)).code).toBe(1);
    expect(await readFile(calls, 'utf8')).toContain(
      'krun_add_net_unixstream(0, NULL, fd, 5a:94:ef:e4:0c:01, 0x0, 0)\n',
    );
  });

  test('says all that is wrong with its arguments and ends with 2', async () => {
    await using rig = await createRig();
    expect(await rig.krun(['krunkit'])).toMatchObject({ code: 2 });
    const result = await rig.krun(['krunkit', '--cpus', '0', '--memory', '1', '--device', 'virtio-disk']);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toBe(
      [
        'error: `--cpus` must be a number from 1 to 255, not `0`\n',
        'error: --device virtio-disk: there is no device `virtio-disk`',
        'hint: did you mean virtio-blk?\n',
        '2 errors\n',
      ].join('\n'),
    );
  });

  test('prints its help, its version, and the calls of a machine that it does not start', async () => {
    await using rig = await createRig();
    expect(await rig.ok(['krunkit', '--help'])).toMatch(/^Usage: krun krunkit --cpus N --memory SIZE/);
    expect(await rig.ok(['krunkit', '-V'])).toMatch(/^krun \d/);
    const printed = await rig.ok(krunkit(await bootableDisk(rig), '--krun-print-calls'));
    expect(printed).toMatch(/^krun_init_log\(-1, 3, 0, 0\)\nctx = krun_create_ctx\(\)\n/);
    expect(printed).toMatch(/\nkrun_start_enter\(ctx\)\n$/);
  });

  test('has its options and devices completed', async () => {
    await using rig = await createRig();
    expect(await rig.ok(['complete', 'krunkit', '--rest'])).toBe('--restful-uri\n:4\n');
    expect(await rig.ok(['complete', 'krunkit', '--device', 'virtio-b'])).toBe('virtio-blk\n:2\n');
    expect(await rig.ok(['complete', 'krunkit', '--pidfile', ''])).toBe(':0\n');
  });
});

describe('krun krunkit refuses before anything starts', () => {
  test('devices that libkrun would hang or abort over', async () => {
    await using rig = await createRig();
    const calls = path.join(rig.base, 'calls');
    const disk = await bootableDisk(rig);
    const mac = 'mac=5a:94:ef:e4:0c:01';
    await rig.write('file', '');
    await rig.write('wrong.qcow2', 'not an image');
    execFileSync('mkfifo', [path.join(rig.directory, 'pipe')]);
    const cases: readonly (readonly [device: string, message: string])[] = [
      [`virtio-net,type=unixstream,path=gone,${mac}`, 'the socket of eth0, gone, does not exist'],
      [`virtio-net,type=unixgram,path=file,${mac}`, 'the socket of eth0, file, has nobody who serves it'],
      [`virtio-net,type=unixgram,path=${'x'.repeat(99)},${mac}`, 'has 99 bytes; libkrun can use at most'],
      [`virtio-net,type=unixgram,fd=99,${mac}`, 'descriptor 99 is not an open socket'],
      ['virtio-vsock,port=1,socketURL=file,connect', 'socketURL file exists and is not a socket'],
      ['virtio-vsock,port=1,socketURL=gone/s,connect', 'there is no directory'],
      [`virtio-vsock,port=1,socketURL=/${'x'.repeat(108)}`, 'has 109 bytes; libkrun can use at most 107'],
      ['virtio-fs,sharedDir=file,mountTag=t', 'sharedDir file is not a directory, or does not exist'],
      ['virtio-blk,path=.', 'disk image . is neither a file nor a block device'],
      ['virtio-blk,path=pipe', 'disk image pipe is neither a file nor a block device'],
      ['virtio-serial,logFilePath=gone/log', "ENOENT: no such file or directory, open 'gone/log'"],
      ['virtio-blk,path=gone', 'disk image gone cannot be opened: ENOENT'],
      ['virtio-blk,path=wrong.qcow2,format=qcow2', 'disk image wrong.qcow2 is not a qcow2 image'],
    ];
    const env = { FAKE_KRUN_CALLS: calls };
    for (const [device, message] of cases) {
      const result = await rig.krun(krunkit(disk, '--device', device), { env });
      expect(result, device).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
      if (!device.includes('serial')) expect(result.stderr, device).toMatch(/\nhint: /);
    }
    expect(await started(calls)).toBe(false);
    expect(await readFile(path.join(rig.directory, 'file'), 'utf8')).toBe('');
  });

  test('CPUs and memory that the host or the kernel cannot give', async () => {
    await using rig = await createRig();
    const disk = ['--device', `virtio-blk,path=${await bootableDisk(rig)}`];
    const run = (...words: readonly string[]): Promise<{ readonly stderr: string }> =>
      rig.krun(['krunkit', ...words, ...disk]);
    expect((await run('-c65', '-m256')).stderr).toContain('--cpus 65 is more than the 64 that this host can');
    expect((await run('-c1', '-m32')).stderr).toContain(
      '32 MiB of memory cannot hold the kernel of libkrunfw',
    );
    expect((await rig.krun(['krunkit', '-c1', '-m256'])).stderr).toContain('there is no disk to boot from');
  });

  test('an image that another machine writes, and a REST address that is taken', async () => {
    await using rig = await createRig();
    const disk = await bootableDisk(rig);
    const first = await startedKrunkit(rig, krunkit(disk, '--restful-uri', 'unix://rest'));
    const again = await rig.krun(krunkit(disk));
    expect(again.code).toBe(1);
    expect(again.stderr).toContain(`error: disk image ${disk} is in use by process ${first.child.pid}`);
    const other = await bootableDisk(rig, undefined, 'other.raw');
    const same = await rig.krun(krunkit(other, '--restful-uri', 'unix://rest'));
    expect(same.stderr).toContain('the REST socket rest is in use by another program');
    expect(await rest(path.join(rig.directory, 'rest'), 'GET', '/vm/state')).toMatchObject({ body: RUNNING });
    first.signal('SIGTERM');
    await first.result;
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { readonly port: number };
    const taken = await rig.krun(krunkit(other, '--restful-uri', `tcp://localhost:${port}`));
    server.close();
    expect(taken.stderr).toContain(`cannot be at tcp://127.0.0.1:${port}: the address is in use`);
  });
});

async function started(calls: string): Promise<boolean> {
  return existsSync(calls) && (await readFile(calls, 'utf8')).includes('krun_start_enter');
}
