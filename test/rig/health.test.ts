import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { Health } from '../../src/plan/health.ts';
import type { MachineState } from '../../src/plan/machine-state.ts';
import type { Healthcheck, Machine, Probe } from '../../src/project/project.ts';
import { onGvproxy, tsi } from '../support/definitions.ts';
import { freePort } from '../support/free-port.ts';
import { createProject, FOREVER, gvproxy } from './support/networks.ts';
import { kill, SupervisedProject } from './support/supervised.ts';
import { canRunGuests } from './support/tap-guest.ts';

/** So long a machine may take to get healthy where the test is about what follows. */
const PATIENT = { startPeriodMs: 60_000 };

/** A health check that decides within a second or two. */
function check(probe: Probe, more: Partial<Healthcheck> = {}): { readonly healthcheck: Healthcheck } {
  const times = { intervalMs: 200, startIntervalMs: 50, timeoutMs: 1000, startPeriodMs: 0, retries: 3 };
  return { healthcheck: { probe, ...times, liveness: false, ...more } };
}

function healthOf(state: MachineState | undefined): Health | undefined {
  return state?.status === 'running' ? state.health : undefined;
}

function isHealth(status: Health['status']): (state: MachineState) => boolean {
  return (state) => healthOf(state)?.status === status;
}

/** A web server in the guest: `/broken` answers 503, anything else 200. */
function webServer(port: number): string {
  const script = `require('node:http').createServer((request, response) => {
    response.writeHead(request.url === '/broken' ? 503 : 200).end('host ' + request.headers.host);
  }).listen(${port}, () => console.log('listening'))`;
  return `exec '${process.execPath}' -e "${script.replaceAll('"', String.raw`\"`)}"`;
}

test('a line of the log makes a machine healthy, and who needs it starts then', async () => {
  await using project = await SupervisedProject.create();
  const db = await project.machine('db', `echo booting; sleep 0.3; echo now ready to accept; ${FOREVER}`, {
    ...check({ kind: 'log', pattern: 'ready to \\w+' }, { intervalMs: 10_000 }),
  });
  const web = await project.machine('web', FOREVER, { dependsOn: { db: { condition: 'log_ready' } } });
  const events = await project.done(project.up([db, web]));
  const order = events.flatMap((event) => {
    if (event.type !== 'state' || event.state.status !== 'running') return [];
    return [`${event.machine} ${event.state.health?.status ?? 'running'}`];
  });
  expect(order).toEqual(['db starting', 'db healthy', 'web running']);
});

test('a machine that ends before its log says that it is ready fails those who wait for it', async () => {
  await using project = await SupervisedProject.create();
  const db = await project.machine('db', 'echo cannot open the data; exit 3', {
    ...check({ kind: 'log', pattern: 'ready' }, PATIENT),
  });
  const web = await project.machine('web', FOREVER, { dependsOn: { db: { condition: 'log_ready' } } });
  const { ok, events } = await project.perform(project.up([db, web]));
  expect(ok).toBe(false);
  const failed = events.find((event) => event.type === 'action-failed');
  expect(failed).toMatchObject({
    message: 'machine db exited (3) before its log said that it is ready',
    hint: 'its output: krun logs db',
    details: ['the last lines of its log:', '  cannot open the data'],
  });
});

test('an optional dependency that never gets ready is remarked on, and its dependants start', async () => {
  await using project = await SupervisedProject.create();
  const cache = await project.machine('cache', 'exit 3', check({ kind: 'log', pattern: 'ready' }, PATIENT));
  const web = await project.machine('web', FOREVER, {
    dependsOn: { cache: { condition: 'log_ready', isOptional: true } },
  });
  const events = await project.done(project.up([cache, web]));
  expect(events).toContainEqual(
    expect.objectContaining({
      type: 'action-finished',
      note: 'goes on without it: machine cache exited (3) before its log said that it is ready',
    }),
  );
  expect((await project.record('web'))?.state.status).toBe('running');
});

test('--wait waits for the health of services, and a published port that nobody listens on is not healthy', async () => {
  await using project = await SupervisedProject.create();
  const port = await freePort();
  const published = tsi({ host: port, hostIp: '127.0.0.1', guest: port, protocol: 'tcp' });
  const idle = await project.machine('web', `echo idle; ${FOREVER}`, published);
  // Its log has the line before anything is found wrong with it.
  await project.done(project.up([idle]));
  await project.untilSaid('web', 'idle');
  const web = { ...idle, ...check({ kind: 'tcp', port }, { hint: 'is the server configured?' }) };
  const { events } = await project.perform(project.up([web], { wait: true }));
  expect(events.find((event) => event.type === 'action-failed')).toMatchObject({
    message: 'machine web is unhealthy',
    hint: 'is the server configured?',
    details: [
      expect.stringMatching(/^its health check failed (once|\d+ times): nothing listens on port \d+$/),
      'the last lines of its log:',
      '  idle',
    ],
  });
  const { state } = await project.untilState('web', isHealth('unhealthy'));
  expect(healthOf(state)).toMatchObject({
    wasHealthy: false,
    lastFailure: { message: `nothing listens on port ${port}` },
  });
});

test('a web server is asked over HTTP, by the host and path that the file says', async () => {
  await using project = await SupervisedProject.create();
  const port = await freePort();
  const published = tsi({ host: port, hostIp: '127.0.0.1', guest: port, protocol: 'tcp' });
  const probe = { kind: 'http', scheme: 'http', host: 'shop.test', port, path: '/' } as const;
  const web = await project.machine('web', webServer(port), { ...published, ...check(probe, PATIENT) });
  await project.done(project.up([web], { wait: true }));
  expect(healthOf((await project.record('web'))?.state)).toMatchObject({ status: 'healthy' });
  const broken: Machine = { ...web, ...check({ ...probe, path: '/broken' }) };
  // A changed health check is a live change: the machine goes on.
  const before = await project.identity('web');
  await project.perform(project.up([broken]));
  const { state } = await project.untilState('web', isHealth('unhealthy'));
  expect(healthOf(state)?.lastFailure).toMatchObject({
    message: 'GET /broken answered 503 Service Unavailable',
    output: `host shop.test:${port}`,
  });
  expect(await project.identity('web')).toEqual(before);
});

test.skipIf(!gvproxy || !canRunGuests())(
  'through a gvproxy network a port is healthy when the guest itself accepts, and a paused guest is not',
  async () => {
    await using project = await createProject();
    const web = await project.machine('web', webServer(80), {
      networks: [onGvproxy('web')],
      ...check({ kind: 'tcp', port: 80 }, { timeoutMs: 500, ...PATIENT }),
    });
    const closed = await project.machine('closed', FOREVER, {
      networks: [onGvproxy('closed')],
      ...check({ kind: 'tcp', port: 81 }),
    });
    await project.perform(project.up([web, closed]));
    await project.untilState('web', isHealth('healthy'));
    const unhealthy = await project.untilState('closed', isHealth('unhealthy'));
    expect(healthOf(unhealthy.state)?.lastFailure?.message).toBe('nothing listens on port 81');
    const { pid } = await project.identity('web');
    kill(pid, 'SIGSTOP');
    try {
      const paused = await project.untilState('web', isHealth('unhealthy'));
      expect(healthOf(paused.state)?.lastFailure?.message).toBe('no answer from port 80 within 0.5 s');
    } finally {
      kill(pid, 'SIGCONT');
    }
    await project.untilState('web', isHealth('healthy'));
    const url = { kind: 'http', scheme: 'http', host: 'web', port: 80, path: '/broken' } as const;
    await project.done(project.up([{ ...web, ...check(url) }, closed]));
    const broken = await project.untilState('web', isHealth('unhealthy'));
    expect(healthOf(broken.state)?.lastFailure).toMatchObject({ output: 'host web' });
  },
);

test('a command in the guest says how the machine is, and what it says is kept', async () => {
  await using project = await SupervisedProject.create();
  const state = `${project.base}/state`;
  const command = ['/bin/sh', '-c', `[ -e ${state} ] || { echo looked for state; echo none >&2; exit 4; }`];
  const db = await project.machine(
    'db',
    `touch ${state}; ${FOREVER}`,
    check({ kind: 'test', command }, PATIENT),
  );
  await project.done(project.up([db], { wait: true }));
  await rm(state);
  const unhealthy = await project.untilState('db', isHealth('unhealthy'));
  expect(healthOf(unhealthy.state)).toMatchObject({
    wasHealthy: true,
    failures: 3,
    lastFailure: { exitCode: 4, output: 'looked for state\nnone' },
  });
  const slow = { ...db, ...check({ kind: 'test', command: ['sleep', '60'] }, { timeoutMs: 200 }) };
  await project.done(project.up([slow]));
  const timedOut = await project.untilState('db', isHealth('unhealthy'));
  expect(healthOf(timedOut.state)?.lastFailure?.message).toBe('sleep 60 did not end within 0.2 s');
  const missing = { ...db, ...check({ kind: 'test', command: ['db_isready'] }) };
  await project.done(project.up([missing]));
  const absent = await project.untilState('db', (state) => {
    const health = healthOf(state);
    return health?.status === 'unhealthy' && health.lastFailure?.exitCode === 127;
  });
  expect(healthOf(absent.state)?.lastFailure?.message).toContain('db_isready');
});

test('a machine whose liveness fails is started again by its policy, and told why', async () => {
  await using project = await SupervisedProject.create();
  const port = await freePort();
  const published = tsi({ host: port, hostIp: '127.0.0.1', guest: port, protocol: 'tcp' });
  const web = await project.machine('web', webServer(port), {
    ...published,
    ...check({ kind: 'tcp', port }, { liveness: true, timeoutMs: 300, retries: 2, ...PATIENT }),
    restart: { policy: 'on-failure' },
    stopGracePeriodMs: 500,
  });
  await project.done(project.up([web], { wait: true }));
  kill((await project.identity('web')).pid, 'SIGSTOP');
  const again = await project.untilState(
    'web',
    (state) => isHealth('healthy')(state) && 'run' in state && state.run === 2,
  );
  expect(again.restarts).toBe(1);
  const states = (await project.supervisorLog()).split('\n');
  expect(states.join('\n')).toContain('machine web: is ended: liveness: the machine process does not answer');
});

test('a new supervisor goes on with the health that it finds, and probes again', async () => {
  await using project = await SupervisedProject.create();
  const port = await freePort();
  const published = tsi({ host: port, hostIp: '127.0.0.1', guest: port, protocol: 'tcp' });
  const web = await project.machine('web', webServer(port), {
    ...published,
    ...check({ kind: 'tcp', port }, PATIENT),
  });
  const ready = check({ kind: 'log', pattern: 'ready' }, PATIENT);
  const db = await project.machine('db', `echo ready; ${FOREVER}`, ready);
  await project.done(project.up([web, db], { wait: true }));
  const { pid } = (await project.supervisor()).version;
  const machine = (await project.identity('web')).pid;
  kill(pid, 'SIGKILL');
  kill(machine, 'SIGSTOP');
  expect(healthOf((await project.record('web'))?.state)).toMatchObject({ status: 'healthy' });
  await project.supervisor();
  await project.untilState('web', isHealth('unhealthy'));
  kill(machine, 'SIGCONT');
  await project.untilState('web', isHealth('healthy'));
  expect(healthOf((await project.record('db'))?.state)).toMatchObject({ status: 'healthy' });
});
