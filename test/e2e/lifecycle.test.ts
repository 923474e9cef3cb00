import { describe, expect, test } from 'vitest';
import { createMachines, ps } from './support/machines.ts';
import { until } from '../rig/support/until.ts';
import type { Rig } from '../rig/support/rig.ts';

const MACHINE = `
    root: ./rootfs
    build: { command: [./mkroot.sh], inputs: [mkroot.sh] }
    memory: 256MiB
    stop_grace_period: 60s`;

describe('the life of a real microVM', () => {
  test('exit code 7 of a command in a directory root is what ps and --exit-code-from say', async (context) => {
    await using project = await createMachines(context, {
      files: { 'krun.yaml': `machines:\n  seven:${MACHINE}\n    command: [/bin/sh, -c, 'exit 7']\n` },
    });
    expect((await project.krun(['up', '--exit-code-from', 'seven'])).code).toBe(7);
    expect(await project.ok(['ps', '-a'])).toMatch(/^seven +exited \(7\)/m);
  });

  test('stop sends the stop signal to the command and waits for it', async (context) => {
    const command = `[/bin/sh, -c, 'trap "echo asked; exit 5" TERM; echo ready; while :; do sleep 0.1; done']`;
    await using project = await createMachines(context, {
      files: { 'krun.yaml': `machines:\n  polite:${MACHINE}\n    command: ${command}\n` },
    });
    await project.ok(['up', '-d']);
    await logLine(project, 'ready');
    await project.ok(['stop']);
    expect(await ps(project)).toMatchObject({ polite: { status: 'exited', exitCode: 5 } });
    // The guest's shell remarks on stderr that its own child was ended too.
    expect(await project.ok(['logs', '--no-log-prefix', '--stream', 'stdout'])).toBe('ready\nasked\n');
  });

  test('Ctrl-C of an attached up stops the machines and leaves nothing', async (context) => {
    await using project = await createMachines(context, {
      files: {
        'krun.yaml': `machines:\n  one:${MACHINE}\n    command: [/bin/sh, -c, 'echo ready; exec sleep inf']\n`,
      },
    });
    const up = project.spawn(['up']);
    await up.waitForOutput(/one +\| ready/, 120_000);
    up.signal('SIGINT');
    expect((await up.result).code).toBe(0);
    expect(await ps(project)).toMatchObject({ one: { status: 'exited' } });
    expect(await until(async () => (await project.leftovers()).length === 0, { timeoutMs: 20_000 })).toBe(
      true,
    );
  });

  test('a root without /bin/sh is refused with what to do, before anything boots', async (context) => {
    await using project = await createMachines(context, {
      files: {
        'krun.yaml': 'machines:\n  bare:\n    root: ./empty\n    command: [/bin/true]\n',
        'empty/etc/os': '',
      },
    });
    const up = await project.krun(['up', '-d']);
    expect(up.code).toBe(1);
    expect(up.stderr).toMatch(/root \S+ has no \/bin\/sh/);
    expect(up.stderr).toMatch(/agent: false/);
  });

  test('a share that has to be read-only is refused where libkrun cannot keep it so', async (context) => {
    await using project = await createMachines(context, {
      files: {
        'krun.yaml': `machines:\n  strict:${MACHINE}\n    shares: ['./shared:/shared:ro']\n    command: [/bin/true]\n`,
        'shared/file': '',
      },
    });
    const up = await project.krun(['up', '-d']);
    expect(up.code).toBe(1);
    expect(up.stderr).toContain('cannot keep the guest from writing to');
  });

  test('after SIGKILL of the supervisor the machine goes on; after SIGKILL of the machine it is known to have ended', async (context) => {
    await using project = await createMachines(context, {
      files: {
        'krun.yaml': `machines:\n  tough:${MACHINE}\n    command: [/bin/sh, -c, 'echo ready; exec sleep inf']\n`,
      },
    });
    await project.ok(['up', '-d']);
    await killProcess(project, /supervisor/);
    expect(await project.ok(['plan'])).toMatch(/^Nothing to do\.\n/);
    expect(await ps(project)).toMatchObject({ tough: { status: 'running', run: 1 } });
    await project.ok(['up', '-d']);
    expect(await ps(project)).toMatchObject({ tough: { status: 'running', run: 1 } });
    await killProcess(project, /supervisor/);
    await killProcess(project, /machine/);
    expect((await ps(project))['tough']).toMatchObject({ exitCode: null, run: 1 });
    await project.ok(['up', '-d']);
    expect(await ps(project)).toMatchObject({ tough: { status: 'running', run: 2 } });
    await project.ok(['down']);
    expect(await project.leftovers()).toEqual([]);
  });
});

/** Waits until the log of the project's only machine has the line. */
async function logLine(project: Rig, line: string): Promise<void> {
  const follow = project.spawn(['logs', '-f', '--no-log-prefix']);
  await follow.waitForOutput(new RegExp(`^${line}$`, 'm'), 120_000);
  follow.signal('SIGTERM');
  await follow.result;
}

/** SIGKILLs the project's only process of that kind and waits until it is gone. */
async function killProcess(project: Rig, kind: RegExp): Promise<void> {
  const pids = (await project.leftovers()).filter(({ command }) => kind.test(command)).map(({ pid }) => pid);
  expect(pids).toHaveLength(1);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  const gone = async (): Promise<boolean> =>
    (await project.leftovers()).every(({ pid }) => !pids.includes(pid));
  expect(await until(gone, { timeoutMs: 20_000 })).toBe(true);
}
