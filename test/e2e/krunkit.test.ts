import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { gvproxyPath, programPath } from '../rig/support/helpers.ts';
import type { Rig, RunningKrun } from '../rig/support/rig.ts';
import { until } from '../rig/support/until.ts';
import { makeGuestDisk } from './support/guest-disk.ts';
import { createMachines } from './support/machines.ts';
import { freePorts, hostServer, page } from './support/networks.ts';

const run = promisify(execFile);
/** A boot in an emulated host. */
const PATIENCE_MS = 120_000;

/** Tells the share what the guest sees of its devices, and serves a page and a vsock port. */
const RC = `mount -t virtiofs data /mnt
exec >/mnt/report 2>&1
echo "init $(readlink /proc/1/exe) $(readlink /proc/1/root)"
echo "root $(grep ' / ' /proc/mounts | tail -1)"
echo "data $(head -c 8 /dev/vdb)"
echo "vsock $(guest-vsock say 1024 hello)"
guest-vsock echo 1025 >/mnt/echo 2>&1 &
cat >/tmp/lease <<'END'
[ "$1" = bound ] && ifconfig $interface $ip netmask $subnet && echo "lease $interface $ip"
[ "$1" = bound ] && [ $interface = eth0 ] && route add default gw $router
END
chmod +x /tmp/lease
ifconfig eth0 up
ifconfig eth1 up
udhcpc -q -n -i eth0 -s /tmp/lease
udhcpc -q -n -i eth1 -s /tmp/lease
mkdir /tmp/www
echo 'page of the guest' >/tmp/www/index.html
httpd -p 80 -h /tmp/www
echo "gvproxy $(timeout 20 wget -q -O - http://192.168.127.254:$(cat /mnt/port)/)"
echo ready`;

const DOWN = `echo down >>/mnt/report; sync`;

describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')(
  'krunkit on a host without EFI',
  () => {
    test.skipIf(!programPath('passt') || !gvproxyPath('0.8.9'))(
      'boots the root of a partitioned disk with every device, and Stop over tcp ends it in order',
      async (context) => {
        await using project = await createMachines(context);
        const disk = await makeGuestDisk(project, 'disk.raw', { rc: RC, down: DOWN });
        const [restPort = 0, pagePort = 0] = await freePorts(2);
        await using host = await hostServer('page of the host');
        await using asked = await lineServer(path.join(project.directory, 'asked'));
        await using passt = await startPasst(project, pagePort);
        await using gvproxy = await startGvproxy(project);
        await project.write('share/port', String(host.port));
        await project.write('data.raw', `12345678${'\0'.repeat(1024 ** 2 - 8)}`);
        const krun = project.spawn([
          'krunkit',
          '--cpus',
          '1',
          '--memory',
          '256',
          ...device(`virtio-blk,path=${disk},format=raw`),
          ...device('virtio-blk,path=data.raw'),
          ...device('virtio-fs,sharedDir=share,mountTag=data'),
          ...device(`virtio-net,type=unixstream,path=${passt.socket},mac=5a:94:ef:e4:0c:01`),
          ...device(
            `virtio-net,type=unixgram,path=${gvproxy.socket},mac=5a:94:ef:e4:0c:02,offloading=on,vfkitMagic=on`,
          ),
          ...device('virtio-vsock,port=1024,socketURL=asked,listen'),
          ...device('virtio-vsock,port=1025,socketURL=echo,connect'),
          ...device('virtio-serial,logFilePath=serial.log'),
          ...device('virtio-rng'),
          '--restful-uri',
          `tcp://localhost:${restPort}`,
          '--pidfile',
          'pid',
        ]);
        context.onTestFailed(() => console.error(krun.stdout(), krun.stderr()));
        using _ended = endOf(krun);
        const report = await reportOf(project, krun, /^ready$/m);
        expect(report).toMatch(/^init \/bin\/busybox \/$/m);
        expect(report).toMatch(/^root \/dev\/vda2 \/ ext4 /m);
        expect(report).toMatch(/^data 12345678$/m);
        expect(report).toMatch(/^vsock host: hello$/m);
        expect(report).toMatch(/^lease eth0 /m);
        expect(report).toMatch(/^lease eth1 192\.168\.127\./m);
        expect(report).toMatch(/^gvproxy page of the host$/m);
        expect(asked.lines).toEqual(['hello']);
        expect(await page(`http://127.0.0.1:${pagePort}/`)).toBe('page of the guest\n');
        expect(await exchange(path.join(project.directory, 'echo'), 'and back\n')).toBe('and back\n');
        expect(await project.read('pid')).toBe(String(krun.child.pid));
        expect(krun.stderr()).toContain('the kernel of libkrunfw runs the init of /dev/vda2 (ext4)');
        const api = { host: '127.0.0.1', port: restPort };
        expect(await rest(api, 'GET', '/vm/state')).toMatchObject({
          status: 200,
          body: { state: 'VirtualMachineStateRunning', canStop: true, canHardStop: true, canStart: false },
        });
        expect(await rest(api, 'GET', '/vm/inspect')).toMatchObject({
          body: { vcpus: 1, memoryBytes: 256 * 1024 ** 2 },
        });
        expect(await rest(api, 'POST', '/vm/state', '{"state":"Stop"}')).toMatchObject({
          status: 200,
          body: { state: 'VirtualMachineStateStopping' },
        });
        expect((await krun.result).code).toBe(0);
        expect(await project.read('share/report')).toMatch(/^down$/m);
        expect(await project.read('serial.log')).toMatch(/Requesting system reboot/);
        expect(await project.read('pid')).toBe(String(krun.child.pid));
      },
    );

    test('boots a qcow2 image; HardStop over a unix socket ends it at once', async (context) => {
      await using project = await createMachines(context);
      const rc = 'mount -t virtiofs data /mnt\necho ready >/mnt/report';
      const raw = await makeGuestDisk(project, 'disk.raw', { rc, down: DOWN });
      await mkdir(path.join(project.directory, 'share'));
      await run('qemu-img', [
        'convert',
        '-c',
        '-O',
        'qcow2',
        raw,
        path.join(project.directory, 'disk.qcow2'),
      ]);
      const krun = project.spawn([
        'krunkit',
        '-c1',
        '-m',
        '256M',
        '--restful-uri',
        'unix://rest',
        ...device('virtio-blk,path=disk.qcow2,format=qcow2'),
        ...device('virtio-fs,sharedDir=share,mountTag=data'),
      ]);
      context.onTestFailed(() => console.error(krun.stdout(), krun.stderr()));
      using _ended = endOf(krun);
      await reportOf(project, krun, /^ready$/m);
      const socketPath = path.join(project.directory, 'rest');
      expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
      expect(await rest({ socketPath }, 'POST', '/vm/state', '{"state":"HardStop"}')).toMatchObject({
        status: 200,
      });
      expect((await krun.result).code).toBe(0);
      expect(await project.read('share/report')).toBe('ready\n');
      expect(existsSync(socketPath)).toBe(false);
    });

    test('ends with a guest that is powered off, whose kernel has no switch', async (context) => {
      await using project = await createMachines(context);
      const disk = await makeGuestDisk(project, 'disk.raw', { rc: 'poweroff', down: 'echo in order' });
      const words = ['krunkit', '-c1', '-m256', ...device(`virtio-blk,path=${disk}`)];
      const result = await project.krun([...words, ...device('virtio-serial,logFilePath=serial.log')]);
      expect(result.code).toBe(0);
      expect(await project.read('serial.log')).toMatch(
        /in order[^]*reboot: (Power down|System halted|Power off)/,
      );
    });
  },
);

/** Leaves no machine behind when a test fails. */
function endOf(krun: RunningKrun): Disposable {
  return { [Symbol.dispose]: () => krun.signal('SIGKILL') };
}

function device(text: string): readonly string[] {
  return ['--device', text];
}

/** What the guest has written into the share, as soon as it has the line. */
async function reportOf(project: Rig, krun: RunningKrun, line: RegExp): Promise<string> {
  const file = path.join(project.directory, 'share', 'report');
  let report = '';
  const ended = (): boolean => krun.child.exitCode !== null || krun.child.signalCode !== null;
  const isThere = async (): Promise<boolean> => {
    report = existsSync(file) ? await readFile(file, 'utf8') : '';
    return line.test(report) || ended();
  };
  await until(isThere, { timeoutMs: PATIENCE_MS, everyMs: 100 });
  if (!line.test(report)) throw new Error(`the guest reported ${JSON.stringify(report)} and no ${line}`);
  return report;
}

interface Answer {
  readonly status: number | undefined;
  readonly body: unknown;
}

async function rest(
  where: { readonly socketPath: string } | { readonly host: string; readonly port: number },
  method: string,
  url: string,
  body?: string,
): Promise<Answer> {
  const sent = request({ ...where, method, path: url });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return { status: response.statusCode, body: JSON.parse(text) };
}

/** A host program that a guest asks: answers each line with `host: ` before it. */
async function lineServer(file: string): Promise<{ readonly lines: readonly string[] } & AsyncDisposable> {
  const lines: string[] = [];
  const server = createServer((socket) => {
    let text = '';
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (!text.endsWith('\n')) return;
      lines.push(text.trim());
      // Not the end as well: libkrun would tell the guest of that first.
      socket.write(`host: ${text}`);
    });
  });
  server.listen(file);
  await once(server, 'listening');
  return {
    lines,
    async [Symbol.asyncDispose]() {
      await once(server.close(), 'close');
    },
  };
}

/** What a guest's service behind a unix socket sends back. */
async function exchange(file: string, text: string): Promise<string> {
  const socket = connect(file);
  let heard = '';
  socket.setEncoding('utf8').on('data', (part: string) => (heard += part));
  socket.write(text);
  await until(() => heard.length >= text.length, { timeoutMs: PATIENCE_MS });
  socket.destroy();
  return heard;
}

interface Helper extends AsyncDisposable {
  readonly socket: string;
}

function startPasst(project: Rig, port: number): Promise<Helper> {
  const socket = path.join(project.directory, 'passt');
  const user = process.getuid?.() === 0 ? ['--runas', '0'] : [];
  const args = ['--foreground', '--socket', socket, '--ipv4-only', '-t', `127.0.0.1/${port}:80`, ...user];
  return startHelper(programPath('passt') ?? '', args, socket);
}

function startGvproxy(project: Rig): Promise<Helper> {
  const socket = path.join(project.directory, 'gvproxy');
  const args = ['-listen-vfkit', `unixgram://${socket}`, '-ssh-port', '-1'];
  return startHelper(gvproxyPath('0.8.9') ?? '', args, socket);
}

async function startHelper(program: string, args: readonly string[], socket: string): Promise<Helper> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const isThere = await until(() => existsSync(socket) || child.exitCode !== null, {
    timeoutMs: PATIENCE_MS,
  });
  if (!isThere || child.exitCode !== null) throw new Error(`${program} did not start: ${said}`);
  await chmod(socket, 0o700);
  return {
    socket,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.kill();
      await once(child, 'exit');
    },
  };
}
