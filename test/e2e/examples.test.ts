import { readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { createMachines, ps } from './support/machines.ts';
import { until } from '../rig/support/until.ts';

describe.concurrent('every example in real microVMs', () => {
  test('hello: up, ps, logs, a plan without anything to do, down', async (context) => {
    await using project = await createMachines(context, { example: 'hello' });
    await project.ok(['up', '-d']);
    expect(await project.ok(['ps'])).toMatch(/^hello +running/m);
    expect(await project.ok(['logs', '--no-log-prefix'])).toMatch(/^Linux hello \S+ #\d+ SMP .*GNU\/Linux$/m);
    expect(await project.ok(['plan'])).toBe('Nothing to do.\n');
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
    const port = await freePort();
    await using project = await createMachines(context, { example: 'tsi-port', env: { PORT: String(port) } });
    await project.ok(['up', '-d']);
    let body = '';
    // The server binds its port some time after its command has started.
    await until(async () => (body = await fetchText(`http://127.0.0.1:${port}/`)) !== '', {
      timeoutMs: 30_000,
    });
    expect(body).toBe('Hello from the guest\n');
    expect(await project.ok(['ps'])).toContain(`${port}->80/tcp`);
  });
});

async function fetchText(url: string): Promise<string> {
  try {
    return await (await fetch(url)).text();
  } catch (error) {
    // fetch reports a refused connection as a TypeError whose cause names it.
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (code === 'ECONNREFUSED' || code === 'ECONNRESET') return '';
    throw error;
  }
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
