import { afterAll, describe, expect, test } from 'vitest';
import { gvproxyPath, GVPROXY_VERSIONS } from '../rig/support/helpers.ts';
import type { Rig } from '../rig/support/rig.ts';
import { accepts } from '../support/free-port.ts';
import { until } from '../rig/support/until.ts';
import { ps } from './support/machines.ts';
import {
  ask,
  converse,
  createNetworkProject,
  freePorts,
  hostServer,
  inGuest,
  page,
  removeGuestProgram,
  serving,
} from './support/networks.ts';

afterAll(removeGuestProgram);

const NETWORKS = { default: { driver: 'gvproxy' } };

/** A script that fetches a page without waiting for ever. */
const get = (url: string): string => `timeout 20 wget -q -O - ${url}`;

describe.each(GVPROXY_VERSIONS)('machines on a network of gvproxy %s', (version) => {
  const gvproxy = gvproxyPath(version);

  test.skipIf(!gvproxy)(
    'are reached through ports, see each other by name and the host, also one that was recreated or came later',
    async (context) => {
      const [pagePort = 0, udpPort = 0, webShell = 0, dbShell = 0, cacheShell = 0] = await freePorts(5);
      const web = serving({ ports: [`${pagePort}:80`, `${udpPort}:9/udp`, `${webShell}:2323`] });
      const db = serving({
        ports: [`${dbShell}:2323`],
        networks: { default: { aliases: ['database'] } },
      });
      const config = { machines: { web, db }, networks: NETWORKS };
      await using project = await createNetworkProject(context, config, { KRUN_GVPROXY: gvproxy ?? '' });
      await using host = await hostServer('page of the host');
      await project.ok(['up', '-d']);

      expect(await page(`http://127.0.0.1:${pagePort}/`)).toBe('page of web\n');
      expect(await ask(udpPort, 'datagram')).toBe('udp datagram');
      expect(await project.ok(['port', 'web', '80'])).toContain(`127.0.0.1:${pagePort}`);
      const names = ['db', 'db.krun.internal', 'DB', 'database', 'database.krun.internal'];
      for (const name of names) {
        expect(await inGuest(webShell, get(`http://${name}/`)), name).toBe('page of db\nstatus 0\n');
      }
      expect(await inGuest(dbShell, get('http://web/'))).toBe('page of web\nstatus 0\n');
      expect(await inGuest(dbShell, get(`http://host.krun.internal:${host.port}/`))).toBe(
        'page of the hoststatus 0\n',
      );

      // Recreated, and a machine that joins.
      const before = await ps(project);
      const cache = serving({ ports: [`${cacheShell}:2323`] });
      await edit(project, { machines: { web, db: { ...db, memory: '220MiB' }, cache }, networks: NETWORKS });
      await project.ok(['up', '-d']);
      const after = await ps(project);
      expect(after['web']).toEqual(before['web']);
      expect(after['db']?.createdAt).not.toBe(before['db']?.createdAt);
      expect(await inGuest(webShell, get('http://db/'))).toBe('page of db\nstatus 0\n');
      expect(await inGuest(webShell, `ping -c 1 -W 20 cache >/dev/null`)).toBe('status 0\n');
      expect(await inGuest(cacheShell, `${get('http://web/')}; ${get('http://database/')}`)).toBe(
        'page of web\npage of db\nstatus 0\n',
      );
    },
  );

  test.skipIf(!gvproxy)(
    'gain and lose ports while a connection stays open, and cannot open any by themselves',
    async (context) => {
      const [echoPort = 0, shellPort = 0, pagePort = 0, stolenPort = 0] = await freePorts(4);
      const ports = [`${echoPort}:7`, `${shellPort}:2323`];
      const config = (more: readonly string[]): unknown => ({
        machines: { web: serving({ ports: [...ports, ...more] }) },
        networks: NETWORKS,
      });
      await using project = await createNetworkProject(context, config([]), { KRUN_GVPROXY: gvproxy ?? '' });
      await project.ok(['up', '-d']);
      await inGuest(shellPort, 'true');
      const before = await ps(project);
      using conversation = await converse(echoPort);
      await conversation.say('first');

      await edit(project, config([`${pagePort}:80`]));
      const plan = await project.krun(['plan']);
      expect(plan.code).toBe(3);
      expect(plan.stdout).toMatch(/^~ web +update +port \d+:80\/tcp added/m);
      expect(plan.stdout).not.toMatch(/stop|start|create/);
      await project.ok(['up', '-d']);
      expect(await page(`http://127.0.0.1:${pagePort}/`)).toBe('page of web\n');
      await conversation.say('after a port was added');

      await edit(project, config([]));
      await project.ok(['up', '-d']);
      expect(await accepts(pagePort)).toBe(false);
      await conversation.say('after it was removed');
      expect((await ps(project))['web']).toEqual(before['web']);

      const expose = `{"local":"127.0.0.1:${stolenPort}","remote":"192.168.127.2:80","protocol":"tcp"}`;
      const api = '/services/forwarder';
      for (const gateway of ['192.168.127.1', 'gateway.krun.internal']) {
        const attempt = `timeout 10 wget -q -O - --post-data '${expose}' http://${gateway}${api}/expose`;
        expect(await inGuest(shellPort, attempt), gateway).not.toContain('status 0');
        expect(await inGuest(shellPort, `timeout 5 wget -q -O - http://${gateway}${api}/all`)).not.toContain(
          '{',
        );
      }
      expect(await accepts(stolenPort)).toBe(false);
      await conversation.say('to the end');
    },
  );
});

describe('a network of three machines in trouble', () => {
  const gvproxy = gvproxyPath('0.8.9');

  test.skipIf(!gvproxy)(
    'goes on for two while the third is paused or sends runts, and comes back when gvproxy or all of it was killed',
    async (context) => {
      const [aShell = 0, bShell = 0, bEcho = 0, cPage = 0] = await freePorts(4);
      const machines = {
        a: serving({ ports: [`${aShell}:2323`] }),
        b: serving({ ports: [`${bShell}:2323`, `${bEcho}:7`] }),
        c: serving({ ports: [`${cPage}:80`], restart: 'on-failure' }),
      };
      const config = { machines, networks: NETWORKS };
      await using project = await createNetworkProject(context, config, { KRUN_GVPROXY: gvproxy ?? '' });
      await project.ok(['up', '-d']);
      await page(`http://127.0.0.1:${cPage}/`);
      await inGuest(aShell, 'true');
      expect(await inGuest(bShell, get('http://c/'))).toBe('page of c\nstatus 0\n');
      const aAddress = /address (\S+)/.exec(
        await inGuest(aShell, `ip -o -4 address show eth0 | sed 's/.*inet /address /; s,/.*,,'`),
      )?.[1];
      // Ten requests of a guest to a guest.
      const tenPages = `for n in 1 2 3 4 5 6 7 8 9 10; do ${get('http://c/')} || exit 1; done >/dev/null`;
      const takesMs = async (): Promise<number> => {
        const start = performance.now();
        expect(await inGuest(bShell, tenPages)).toBe('status 0\n');
        return performance.now() - start;
      };
      await takesMs();
      const usualMs = Math.max(await takesMs(), await takesMs());

      const paused = await processOf(project, /machine\.js.*machines\/a\//);
      process.kill(paused, 'SIGSTOP');
      try {
        // More than the link's buffers take.
        expect(await inGuest(bShell, `guest-net flood ${aAddress} 9 30000`)).toContain('status 0');
        expect(await takesMs()).toBeLessThan(usualMs * 3 + 2000);
        expect(await page(`http://127.0.0.1:${cPage}/`)).toBe('page of c\n');
      } finally {
        process.kill(paused, 'SIGCONT');
      }
      expect(await inGuest(aShell, get('http://c/'))).toBe('page of c\nstatus 0\n');

      expect(await inGuest(aShell, 'guest-net runts eth0 2000')).toMatch(/^[1-9]\d* runts sent\nstatus 0\n$/);
      expect(await takesMs()).toBeLessThan(usualMs * 3 + 2000);

      const killed = await processOf(project, /gvproxy/);
      using conversation = await converse(bEcho);
      await conversation.say('before');
      process.kill(killed, 'SIGKILL');
      expect(await inGuest(bShell, get('http://c/'))).toBe('page of c\nstatus 0\n');
      expect(await page(`http://127.0.0.1:${cPage}/`)).toBe('page of c\n');
      expect(await processOf(project, /gvproxy/)).not.toBe(killed);
      expect(await project.ok(['logs', '--helpers'])).toMatch(/gvproxy.*SIGKILL/);
      expect(await ps(project)).toMatchObject({ a: { run: 1 }, b: { run: 1 }, c: { run: 1 } });

      process.kill(await processOf(project, /network\.js/), 'SIGKILL');
      expect(await page(`http://127.0.0.1:${cPage}/`)).toBe('page of c\n');
      const reason = expect.stringContaining('the network process of default ended');
      expect(await ps(project)).toMatchObject({
        a: { status: 'failed', reason },
        b: { status: 'failed', reason },
        c: { status: 'running', run: 2 },
      });
      await project.ok(['down']);
      expect(await until(async () => (await project.leftovers()).length === 0, { timeoutMs: 20_000 })).toBe(
        true,
      );
    },
  );
});

async function edit(project: Rig, config: unknown): Promise<void> {
  await project.write('krun.yaml', JSON.stringify(config, undefined, 1));
}

/** Pid of the project's only process whose command line matches. */
async function processOf(project: Rig, pattern: RegExp): Promise<number> {
  const all = await project.leftovers();
  const [found, ...others] = all.filter(({ command }) => pattern.test(command));
  if (!found || others.length > 0)
    throw new Error(`not one ${pattern}: ${JSON.stringify(all, undefined, 1)}`);
  return found.pid;
}
