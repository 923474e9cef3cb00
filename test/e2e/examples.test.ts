import { readdir } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { gvproxyPath, programPath } from '../rig/support/helpers.ts';
import { until } from '../rig/support/until.ts';
import { startWatch } from '../rig/support/watching.ts';
import { createMachines, ps } from './support/machines.ts';
import { freePorts, page } from './support/networks.ts';
import { ensureTap, tapProblem } from './support/tap.ts';

const gvproxy = gvproxyPath('0.8.9');

describe('every example in real microVMs', () => {
  test('hello: up, ps, logs, a plan without anything to do, down', async (context) => {
    await using project = await createMachines(context, { example: 'hello' });
    await project.ok(['up', '-d']);
    expect(await project.ok(['ps'])).toMatch(/^hello +running/m);
    expect(await project.ok(['logs', '--no-log-prefix'])).toMatch(/^Linux hello \S+ #\d+ SMP .*GNU\/Linux$/m);
    expect(await project.ok(['plan'])).toMatch(/^Nothing to do\.\n/);
    await project.ok(['down']);
    expect(await ps(project)).toEqual({});
    expect(await project.leftovers()).toEqual([]);
    expect(await readdir(project.runtimeDirectory, { recursive: true })).not.toContain('s');
  });

  test('two-machines: a task before the service, one after it, and an edit that recreates only what it changes', async (context) => {
    await using project = await createMachines(context, { example: 'two-machines' });
    await project.ok(['up', '--wait']);
    const before = await ps(project);
    expect(before).toMatchObject({
      migrate: { status: 'exited', exitCode: 0 },
      server: { status: 'running' },
      report: { status: 'exited', exitCode: 0 },
    });
    const logs = await project.ok(['logs']);
    for (const line of ['migrated', 'serving schema 1', 'found schema 1']) expect(logs).toContain(line);

    const text = await project.read('krun.yaml');
    await project.write('krun.yaml', text.replace('  server:\n    <<: *common', '$&\n    memory: 320MiB'));
    const plan = await project.krun(['plan']);
    expect(plan.code).toBe(3);
    expect(plan.stdout).toMatch(/server.*memory changed 256 -> 320 MiB \(krun\.yaml:\d+\)/);
    expect(plan.stdout).not.toMatch(/migrate|report/);
    await project.ok(['up', '-d']);
    const after = await ps(project);
    expect(after['server']).toMatchObject({ status: 'running' });
    expect(after['server']?.createdAt).not.toBe(before['server']?.createdAt);
    expect([after['migrate'], after['report']]).toEqual([before['migrate'], before['report']]);
  });

  test("disk-root: the root is the image, and the task's exit code arrives", async (context) => {
    await using project = await createMachines(context, { example: 'disk-root', env: { EXIT_CODE: '7' } });
    const up = await project.krun(['up', '--exit-code-from', 'job']);
    expect(up.stdout).toMatch(/\/dev\/vda \/ ext4/);
    expect(up.code).toBe(7);
    expect(await project.ok(['ps', '-a'])).toMatch(/^job +exited \(7\)/m);
  });

  test('shares: both sides write to one directory, and the disk cannot be written', async (context) => {
    await using project = await createMachines(context, { example: 'shares' });
    const up = await project.krun(['up', '--exit-code-from', 'reader']);
    expect(up.stdout).toContain('What is the answer?');
    expect(up.stdout).toContain('the disk is read-only');
    expect(up.code).toBe(0);
    expect(await project.read('exchange/answer')).toBe('42\n');
  });

  test('rlimits-env: limits, names and every text arrive unchanged', async (context) => {
    await using project = await createMachines(context, { example: 'rlimits-env' });
    await project.ok(['up', '--wait']);
    expect(await project.ok(['logs', '--no-log-prefix'])).toBe(
      [
        'host limited, directory /tmp',
        'files 100 200, core 0',
        'QUOTES=[it\'s "quoted" `twice` $HOME \\]',
        'LINES=[first',
        'second',
        ']',
        'UNICODE=[Grüße, 世界 🦀]',
        'EMPTY=[]',
        'FROM_FILE=[a value from settings.env]',
        '',
      ].join('\n'),
    );
  });

  test('restart: on-failure:2 starts exactly twice again', async (context) => {
    await using project = await createMachines(context, { example: 'restart' });
    await project.ok(['up', '-d']);
    const wait = await project.krun(['wait', 'flaky']);
    expect(wait).toMatchObject({ code: 3, stdout: 'flaky 3\n' });
    expect(await ps(project)).toMatchObject({
      flaky: { status: 'exited', exitCode: 3, run: 3, restarts: 2 },
    });
    const logs = await project.ok(['logs', '--no-log-prefix']);
    expect(logs).toBe('giving up\n'.repeat(3));
  });

  test('named-disk: data survives down and up, until down -v', async (context) => {
    await using project = await createMachines(context, { example: 'named-disk' });
    const first = await project.krun(['up', '--exit-code-from', 'counter']);
    expect([first.code, first.stdout]).toEqual([0, expect.stringContaining('start 1')]);
    await project.ok(['down']);
    const second = await project.krun(['up', '--exit-code-from', 'counter']);
    expect([second.code, second.stdout]).toEqual([0, expect.stringContaining('start 2')]);
    await project.ok(['down', '-v', '-y']);
    expect(await readdir(path.join(project.directory, '.krun', 'disks'))).toEqual([]);
  });

  test("tsi-port: the host reaches the guest's server", async (context) => {
    const [port] = await freePorts(1);
    await using project = await createMachines(context, { example: 'tsi-port', env: { PORT: String(port) } });
    await project.ok(['up', '-d']);
    expect(await page(`http://127.0.0.1:${port}/`)).toBe('Hello from the guest\n');
    expect(await project.ok(['ps'])).toContain(`${port}->80/tcp`);
  });

  test.skipIf(!gvproxy)(
    'gvproxy-web-db: one machine answers with what it fetches from the other',
    async (context) => {
      const [port] = await freePorts(1);
      await using project = await createMachines(context, {
        example: 'gvproxy-web-db',
        env: { PORT: String(port), KRUN_GVPROXY: gvproxy ?? '' },
      });
      await project.ok(['up', '-d']);
      expect(await page(`http://127.0.0.1:${port}/cgi-bin/ask`)).toBe('web says: the answer is 42\n');
    },
  );

  test.skipIf(!programPath('passt'))("passt: the host reaches the guest's server", async (context) => {
    const [port] = await freePorts(1);
    await using project = await createMachines(context, { example: 'passt', env: { PORT: String(port) } });
    await project.ok(['up', '-d']);
    expect(await page(`http://127.0.0.1:${port}/`)).toBe('Hello through passt\n');
  });

  test.skipIf(tapProblem() !== undefined)(
    "tap: the host reaches the guest's server at its address and at the port",
    async (context) => {
      await ensureTap();
      const [port] = await freePorts(1);
      await using project = await createMachines(context, { example: 'tap', env: { PORT: String(port) } });
      await project.ok(['up', '-d']);
      expect(await page(`http://127.0.0.1:${port}/`)).toBe('Hello through a tap\n');
      expect(await page('http://192.168.100.10/')).toBe('Hello through a tap\n');
    },
  );

  test.skipIf(!gvproxy)(
    'existing-socket: a backend that krun did not start carries the machine',
    async (context) => {
      const [port] = await freePorts(1);
      await using project = await createMachines(context, { example: 'existing-socket' });
      await using _backend = await startBackend(project.directory);
      await project.ok(['up', '-d']);
      await expose(path.join(project.directory, 'api.sock'), {
        local: `127.0.0.1:${port}`,
        remote: '192.168.127.2:80',
      });
      expect(await page(`http://127.0.0.1:${port}/`)).toBe('Hello through a socket\n');
    },
  );

  test.skipIf(!gvproxy)(
    'dev-server: a page that is edited is answered and has browsers load it again, an edited server starts again',
    async (context) => {
      const [port] = await freePorts(1);
      await using project = await createMachines(context, {
        example: 'dev-server',
        env: { PORT: String(port), KRUN_GVPROXY: gvproxy ?? '' },
      });
      await using watch = startWatch(project, ['watch']);
      await watch.waitForOutput(/^watching 2 rules/m, 100_000);
      const url = `http://127.0.0.1:${port}/`;
      expect(await page(url)).toContain('<h1>Hello from Node in a guest</h1>');
      const reload = await fetch(`${url}reload`);
      const html = await project.read('app/public/index.html');
      await project.write('app/public/index.html', html.replace('Hello', 'Good morning'));
      expect(await firstEvent(reload)).toMatch(/^data: .*index\.html/m);
      expect(await page(url)).toContain('Good morning from Node');
      const server = await project.read('app/server.mjs');
      await project.write(
        'app/server.mjs',
        server.replace('const {', 'console.log(request.url);\n  const {'),
      );
      await watch.waitForOutput(/\(server\.mjs\), [^]*restart: server\.mjs changed/, 100_000);
      await page(`${url}?again`);
      expect(await project.ok(['logs', '--no-log-prefix'])).toMatch(/^\/\?again$/m);
    },
  );

  test.skipIf(!gvproxy)(
    'db-migrate-app: each starts when what it needs is ready, and all are healthy in the end',
    async (context) => {
      const [port] = await freePorts(1);
      await using project = await createMachines(context, {
        example: 'db-migrate-app',
        env: { PORT: String(port), KRUN_GVPROXY: gvproxy ?? '' },
      });
      await project.ok(['up', '--wait']);
      expect(await ps(project)).toMatchObject({
        db: { status: 'running' },
        migrate: { status: 'exited', exitCode: 0 },
        app: { status: 'running' },
      });
      expect(await project.ok(['ps'])).toMatch(/^app +running.*healthy[^]*^db +running.*healthy/m);
      expect(await page(`http://127.0.0.1:${port}/cgi-bin/greet`)).toBe('Hello from a migrated database\n');
      expect(await project.ok(['logs', '--no-log-prefix', 'migrate'])).toBe(
        'found schema none\nstored\nstored\n',
      );
    },
  );
});

/** The text of a stream of events up to the first one. */
async function firstEvent(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.includes('data:')) return text;
  }
  throw new Error(`the stream ended: ${text}`);
}

/** Runs the example's backend.sh until it is disposed of. */
async function startBackend(directory: string): Promise<AsyncDisposable> {
  const child = spawn('./backend.sh', [gvproxy ?? ''], { cwd: directory, stdio: 'ignore', detached: true });
  const ended = once(child, 'close');
  const isThere = (): boolean => existsSync(path.join(directory, 'net.sock'));
  expect(await until(isThere, { timeoutMs: 60_000 })).toBe(true);
  return {
    async [Symbol.asyncDispose]() {
      // The script and the gvproxy that it started.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await ended;
    },
  };
}

/** Opens a port through gvproxy's API, as the curl line in the example does. */
async function expose(
  socketPath: string,
  forward: { readonly local: string; readonly remote: string },
): Promise<void> {
  const call = request({ socketPath, method: 'POST', path: '/services/forwarder/expose' });
  call.end(JSON.stringify(forward));
  const [response] = (await once(call, 'response')) as [{ readonly statusCode?: number }];
  expect(response.statusCode).toBe(200);
}
