import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { programPath } from '../rig/support/helpers.ts';
import type { Rig } from '../rig/support/rig.ts';
import { until } from '../rig/support/until.ts';
import { ps, type PsLine } from './support/machines.ts';
import {
  ask,
  createNetworkProject,
  freePorts,
  hostServer,
  inGuest,
  page,
  removeGuestProgram,
  serving,
} from './support/networks.ts';
import { ensureTap, tapProblem } from './support/tap.ts';

afterAll(removeGuestProgram);

describe('networks without a switch', () => {
  test.skipIf(!programPath('passt'))(
    'passt carries tcp, udp and the way to the host; its death ends the machine, which is started again if it says so',
    async (context) => {
      const [pagePort = 0, udpPort = 0, shellPort = 0, otherPort = 0] = await freePorts(4);
      const machines = {
        tough: serving({
          ports: [`${pagePort}:80`, `${udpPort}:9/udp`, `${shellPort}:2323`],
          restart: 'on-failure',
        }),
        fragile: serving({ ports: [`${otherPort}:80`] }),
      };
      await using project = await createNetworkProject(context, {
        machines,
        networks: { default: { driver: 'passt' } },
      });
      await using host = await hostServer('page of the host');
      await project.ok(['up', '-d']);
      expect(await page(`http://127.0.0.1:${pagePort}/`)).toBe('page of tough\n');
      expect(await page(`http://127.0.0.1:${otherPort}/`)).toBe('page of fragile\n');
      expect(await ask(udpPort, 'datagram')).toBe('udp datagram');
      const get = `timeout 20 wget -q -O - http://host.krun.internal:${host.port}/`;
      expect(await inGuest(shellPort, get)).toBe('page of the hoststatus 0\n');

      const killed = await passts(project);
      expect(killed).toHaveLength(2);
      for (const pid of killed) process.kill(pid, 'SIGKILL');
      let seen: Readonly<Record<string, PsLine>> = {};
      const isSettled = async (): Promise<boolean> => {
        seen = await ps(project);
        return seen['fragile']?.status === 'failed' && seen['tough']?.run === 2;
      };
      expect(await until(isSettled, { timeoutMs: 60_000 }), JSON.stringify(seen)).toBe(true);
      expect(seen['fragile']).toMatchObject({
        run: 1,
        exitCode: null,
        reason: expect.stringMatching(/passt ended \(SIGKILL\)/),
      });
      expect(await page(`http://127.0.0.1:${pagePort}/`)).toBe('page of tough\n');
      const last = await passts(project);
      expect(last).toHaveLength(1);
      await project.ok(['down']);
      const left = (): boolean => [...killed, ...last].some((pid) => existsSync(`/proc/${pid}`));
      expect(await until(() => !left(), { timeoutMs: 20_000 })).toBe(true);
      expect(await project.leftovers()).toEqual([]);
    },
  );

  test.skipIf(tapProblem() !== undefined)(
    'a tap device carries tcp and udp, and a machine on no network has none',
    async (context) => {
      await ensureTap();
      const [pagePort = 0, udpPort = 0] = await freePorts(2);
      await using host = await hostServer('page of the host');
      const request = `timeout 20 wget -q -O - http://127.0.0.1:${host.port}/ 2>&1 || echo refused; exec sleep inf`;
      const machines = {
        web: serving({
          networks: { default: { ip: '192.168.100.10' } },
          ports: [`${pagePort}:80`, `${udpPort}:9/udp`],
        }),
        // With TSI the guest's 127.0.0.1 could be the host's.
        alone: serving({
          networks: [],
          command: ['/bin/sh', '-c', `cd /sys/class/net; echo eth*; ${request}`],
        }),
      };
      await using project = await createNetworkProject(context, {
        machines,
        networks: { default: { driver: 'tap', interface: 'krun0', subnet: '192.168.100.0/24' } },
      });
      await project.ok(['up', '-d']);
      expect(await page(`http://127.0.0.1:${pagePort}/`)).toBe('page of web\n');
      expect(await page('http://192.168.100.10/')).toBe('page of web\n');
      expect(await ask(udpPort, 'datagram')).toBe('udp datagram');
      const output = (): Promise<string> => project.ok(['logs', '--no-log-prefix', 'alone']);
      const isOver = async (): Promise<boolean> => /refused|page of/.test(await output());
      expect(await until(isOver, { timeoutMs: 60_000 })).toBe(true);
      expect(await output()).toMatch(/^eth\*\n/);
      expect(await output()).not.toContain('page of the host');
    },
  );
});

/** Pids of the passt processes that the project's machine processes started. */
async function passts(project: Rig): Promise<readonly number[]> {
  const parents = new Set((await project.leftovers()).map(({ pid }) => pid));
  const stats = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(stat));
  return stats
    .filter(({ name, parent }) => name.startsWith('passt') && parents.has(parent))
    .map(({ pid }) => pid);
}

/** passt lets nobody see its environment, so it is told by its parent. */
async function stat(
  pid: string,
): Promise<{ readonly pid: number; readonly name: string; readonly parent: number }> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'latin1');
    const [, name = '', parent] = /\((.*)\) \S (\d+)/.exec(text) ?? [];
    return { pid: Number(pid), name, parent: Number(parent) };
  } catch (error) {
    // It ended while it was looked at.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      return { pid: Number(pid), name: '', parent: 0 };
    }
    throw error;
  }
}
