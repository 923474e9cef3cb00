import { describe, expect, test } from 'vitest';
import { until } from '../rig/support/until.ts';
import { busybox, createGuests } from './support/guest-tools.ts';
import { ps } from './support/machines.ts';

describe('the health of real guests', () => {
  test('a command in the guest decides: who needs it waits, who fails is ended and started again', async (context) => {
    const machines = {
      db: busybox('echo starting; touch /tmp/ok; exec sleep inf', {
        healthcheck: {
          test: ['CMD', 'test', '-e', '/tmp/ok'],
          interval: '1s',
          retries: 2,
          timeout: '20s',
          start_period: '60s',
          liveness: true,
        },
        restart: 'always',
      }),
      app: busybox('echo app; exec sleep inf', {
        depends_on: { db: { condition: 'healthy', restart: true } },
      }),
    };
    await using project = await createGuests(context, { machines });
    const events = await project.ok(['up', '-d', '--wait']).then(() => project.ok(['ps']));
    expect(events).toMatch(/^db +running.*healthy/m);

    await project.ok(['exec', 'db', 'rm', '/tmp/ok']);
    const isAgain = async (): Promise<boolean> => (await ps(project))['db']?.restarts === 1;
    expect(await until(isAgain, { timeoutMs: 90_000, everyMs: 500 })).toBe(true);
    const isHealthy = async (): Promise<boolean> =>
      /^db +running.*[( ]healthy/m.test(await project.ok(['ps']));
    expect(await until(isHealthy, { timeoutMs: 90_000, everyMs: 500 })).toBe(true);
    const before = await ps(project);
    expect(before).toMatchObject({ app: { status: 'running', run: 1 } });

    await project.ok(['restart', 'db']);
    const after = await ps(project);
    expect(after['app']).toMatchObject({ status: 'running', run: 2 });
  });

  test('what never gets healthy fails those who wait, with the check, the hint and the last of the log', async (context) => {
    const machines = {
      web: busybox('echo cannot read the table; exec sleep inf', {
        healthcheck: {
          test: 'echo no table here; exit 3',
          start_interval: '500ms',
          interval: '500ms',
          retries: 2,
          timeout: '20s',
          hint: 'is the database migrated?',
        },
      }),
    };
    await using project = await createGuests(context, { machines });
    const up = await project.krun(['up', '-d', '--wait']);
    expect(up.code).toBe(1);
    for (const said of ['no table here', 'is the database migrated?', 'cannot read the table']) {
      expect(up.stderr).toContain(said);
    }
    expect(await project.ok(['ps'])).toMatch(/^web +running.*unhealthy/m);
  });
});
