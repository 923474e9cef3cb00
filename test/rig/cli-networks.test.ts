import { expect, test } from 'vitest';
import { createCliRig, machine, SERVICE } from './cli-project.ts';
import { gvproxyPath, programPath } from './support/helpers.ts';
import type { Rig } from './support/rig.ts';

const gvproxy = gvproxyPath('0.8.9');
const passt = programPath('passt');
const NETWORKS = 'networks:\n  default: { driver: gvproxy }\n';

function rigWithGvproxy(machines: string): Promise<Rig> {
  return createCliRig(machines, { env: { KRUN_GVPROXY: gvproxy ?? '' } });
}

interface Inspected {
  readonly status: string;
  readonly reason?: string;
  readonly helper: { readonly pid: number; readonly restarts: number };
  readonly members: Readonly<Record<string, { readonly connected?: boolean }>>;
  readonly process: { readonly pid: number };
}

async function inspect(rig: Rig, ...names: readonly string[]): Promise<Inspected> {
  const [network] = JSON.parse(await rig.ok(['network', 'inspect', ...names])) as readonly Inspected[];
  if (!network) throw new Error('no network');
  return network;
}

test('port says where published ports are, by number, protocol and name, while the machine runs', async () => {
  const ports = '[{host: auto, guest: 80, name: http}, {host: auto, guest: 443}]';
  await using rig = await createCliRig(
    `${machine('web', SERVICE, { ports })}${machine('idle', SERVICE, { networks: '[]' })}networks:\n  default: { driver: tsi }\n`,
  );
  expect(await rig.krun(['port'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no port is published'),
  });
  await rig.ok(['up', '-d']);
  const http = await rig.ok(['port', 'web', '80']);
  expect(http).toMatch(/^127\.0\.0\.1:\d+\n$/);
  expect(await rig.ok(['port', 'web', 'http'])).toBe(http);
  expect(await rig.ok(['port', '--protocol', 'tcp', 'web', '80'])).toBe(http);
  const host = Number(http.trim().split(':')[1]);
  expect(await rig.ok(['port'])).toMatch(
    new RegExp(`^MACHINE +PORT +NAME +HOST\nweb +80/tcp +http +127.0.0.1:${host}\n`),
  );
  const json = (await rig.ok(['port', '--format', 'json', 'web', 'http'])).trim();
  expect(JSON.parse(json)).toEqual({
    machine: 'web',
    guest: 80,
    protocol: 'tcp',
    name: 'http',
    hostIp: null,
    host,
    address: `127.0.0.1:${host}`,
  });
  expect(await rig.ok(['ps', 'web'])).toMatch(new RegExp(`\\b${host}->80/tcp\\b`));
  expect(await rig.krun(['port', 'web', '81'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^krun: web does not publish 81\/tcp\n {2}hint: it publishes .*80\/tcp/),
  });
  expect(await rig.krun(['port', 'web', 'htpp'])).toMatchObject({
    code: 1,
    stderr: 'krun: web publishes no port named htpp\n  hint: did you mean http?\n',
  });
  expect(await rig.krun(['port', 'web', '80/udp'])).toMatchObject({ code: 1 });
  expect(await rig.krun(['port', 'idle'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('idle publishes no port'),
  });
  expect(await rig.krun(['port', 'wbe'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('did you mean web?'),
  });
  await rig.ok(['stop', 'web']);
  expect(await rig.krun(['port', 'web', '80'])).toMatchObject({
    code: 1,
    stderr:
      'krun: web does not run, so none of its ports is published\n  hint: krun start web publishes its ports\n',
  });
});

test.skipIf(!gvproxy)('networks are shown with their machines, and as dead when they are', async () => {
  await using rig = await rigWithGvproxy(machine('web', SERVICE) + machine('db', SERVICE) + NETWORKS);
  expect(await rig.ok(['network', 'ls', '-q'])).toBe('');
  await rig.ok(['up', '-d']);
  expect(await rig.ok(['network', 'ls'])).toBe(
    [
      'NAME      DRIVER    STATUS   MACHINES   SUBNET',
      'default   gvproxy   ready    db, web    192.168.127.0/24',
      '',
    ].join('\n'),
  );
  expect(JSON.parse(await rig.ok(['network', 'ls', '--format', 'json']))).toMatchObject({
    name: 'default',
    status: 'ready',
    machines: ['db', 'web'],
  });
  expect(await inspect(rig)).toMatchObject({
    name: 'default',
    driver: 'gvproxy',
    gateway: '192.168.127.1',
    helper: { path: gvproxy, version: expect.stringContaining('0.8.9'), restarts: 0 },
    members: {
      db: { active: true, connected: true, device: 'eth0', names: ['db'], sent: { dropped: 0 } },
      web: { active: true, connected: true, device: 'eth0', names: ['web'], sent: { dropped: 0 } },
    },
  });
  const text = await rig.ok(['network', 'inspect', '--format', 'text', 'default']);
  expect(text).toMatch(
    /^default: gvproxy, ready\n {2}subnet +192\.168\.127\.0\/24, gateway 192\.168\.127\.1, mtu 1500\n/,
  );
  expect(text).toMatch(/\n {2}web +connected +192\.168\.127\.\d+ /);
  expect(await rig.krun(['network', 'inspect', 'defult'])).toMatchObject({
    code: 1,
    stderr: 'krun: no network defult\n  hint: did you mean default?\n',
  });
  await rig.ok(['stop']);
  expect(await rig.ok(['network', 'ls'])).toMatch(/default +gvproxy +stopped +2 stopped /);
  await rig.ok(['down']);
  expect(await rig.ok(['network', 'ls', '-q'])).toBe('');
});

test.skipIf(!gvproxy)('a gvproxy that is killed is seen to come back, and the logs say so', async () => {
  await using rig = await rigWithGvproxy(
    machine('web', SERVICE) + machine('lone', SERVICE, { networks: '[]' }) + NETWORKS,
  );
  await rig.ok(['up', '-d']);
  const logs = rig.spawn(['logs', '-f', '--helpers']);
  await logs.waitForOutput(/network default \| /);
  const { pid } = (await inspect(rig)).helper;
  process.kill(pid, 'SIGKILL');
  await logs.waitForOutput(/network default +\| .*SIGKILL/);
  await expect
    .poll(
      async () => {
        const { status, helper } = await inspect(rig);
        return { status, restarts: helper.restarts, isNew: helper.pid !== pid };
      },
      { timeout: 30_000 },
    )
    .toEqual({ status: 'ready', restarts: 1, isNew: true });
  logs.signal('SIGINT');
  const followed = await logs.result;
  expect(followed).toMatchObject({ code: 130, stderr: '' });
  expect(followed.stdout).not.toContain('ready\n');
  expect(await rig.ok(['logs'])).not.toContain('network');
  expect(await rig.ok(['logs', '--helpers', 'lone'])).toBe('');
  expect(await rig.ok(['logs', '--helpers', '--grep', 'SIGKILL', '-n', '1', 'web'])).toMatch(
    /^network default \| .*SIGKILL.*\n$/,
  );
  const everything = await rig.ok(['logs', '--helpers', '--stream', 'all']);
  expect(everything).toMatch(/^web +\| ready$/m);
  expect(everything).toMatch(/^network default +\| /m);
  const json = (await rig.ok(['logs', '--helpers', '--format', 'json', '-n', '1', 'web'])).trim();
  expect(JSON.parse(json)).toMatchObject({
    network: 'default',
    time: expect.any(String),
    text: expect.any(String),
  });
});

test.skipIf(!gvproxy)('a network process that hangs is said to, in a second or two', async () => {
  await using rig = await rigWithGvproxy(machine('web', SERVICE) + NETWORKS);
  await rig.ok(['up', '-d']);
  const { process: identity } = await inspect(rig);
  process.kill(identity.pid, 'SIGSTOP');
  try {
    expect(await rig.ok(['network', 'ls'])).toMatch(/default +gvproxy +not answering: .* 1 s +web /);
    expect(await inspect(rig)).toMatchObject({ status: 'not answering', helper: null, process: identity });
  } finally {
    process.kill(identity.pid, 'SIGCONT');
  }
  await expect.poll(() => inspect(rig)).toMatchObject({ status: 'ready' });
});

test.skipIf(!passt)("what passt says is in the machine's log, under its own name", async () => {
  const script = `echo out; ${SERVICE}`;
  await using rig = await createCliRig(
    `${machine('web', script, { networks: '[out]' })}networks:\n  out: { driver: passt }\n`,
    { env: { KRUN_PASST: passt ?? '' } },
  );
  await rig.ok(['up', '-d']);
  const [network] = JSON.parse(await rig.ok(['network', 'inspect', 'out'])) as readonly unknown[];
  expect(network).toMatchObject({
    driver: 'passt',
    status: 'ready',
    members: { web: { active: true, helper: { path: passt, pid: expect.any(Number) } } },
  });
  await expect.poll(() => rig.ok(['logs'])).toContain('ready');
  await rig.ok(['stop']);
  const helpers = (await rig.ok(['logs', '--helpers'])).split('\n').filter(Boolean);
  expect(helpers.length).toBeGreaterThan(0);
  expect(helpers.every((line) => line.startsWith('web passt | '))).toBe(true);
  expect(await rig.ok(['logs', '--stream', 'helper'])).toBe(`${helpers.join('\n')}\n`);
  const all = await rig.ok(['logs', '--stream', 'all']);
  expect(all).toMatch(/^web {7}\| out$/m);
  expect(all).toMatch(/^web passt \| /m);
  expect(await rig.ok(['logs', '--no-log-prefix'])).toBe('out\nready\n');
});

test.skipIf(!gvproxy)('completion offers networks and published ports', async () => {
  const ports = '[{host: auto, guest: 80, name: http}, {host: auto, guest: 53, protocol: udp}]';
  await using rig = await rigWithGvproxy(machine('web', SERVICE, { ports }) + NETWORKS);
  const complete = async (...words: readonly string[]): Promise<readonly string[]> =>
    (await rig.ok(['complete', '--', ...words])).split('\n').map((line) => line.split('\t')[0] ?? '');
  expect(await complete('network', '')).toEqual(['ls', 'inspect', ':4', '']);
  expect(await complete('network', 'inspect', '')).toEqual([':4', '']);
  await rig.ok(['up', '-d']);
  expect(await complete('network', 'inspect', '')).toEqual(['default', ':4', '']);
  expect(await complete('network', 'ls', '--format', '')).toEqual(['table', 'json', ':4', '']);
  expect(await complete('port', '')).toEqual(['web', ':4', '']);
  expect(await complete('port', 'web', '')).toEqual(['53/udp', 'http', '80/tcp', ':4', '']);
  expect(await complete('logs', '--helpe')).toEqual(['--helpers', ':4', '']);
});
