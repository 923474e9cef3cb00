import { expect, test } from 'vitest';
import type { MachineState } from '../../../src/plan/machine-state.ts';
import { psJson, type PsRecord, psTable } from '../../../src/view/ps.ts';
import { exampleMachine } from './fixtures.ts';

const NOW = Date.parse('2026-01-02T12:00:00Z');
const TWO_MINUTES_AGO = '2026-01-02T11:57:55Z';

function record(machine: string, state: MachineState, more: Partial<PsRecord> = {}): PsRecord {
  return {
    machine,
    createdAt: '2026-01-02T10:00:00Z',
    definition: exampleMachine(machine),
    state,
    run: 1,
    restarts: 0,
    ...more,
  };
}

test('a table says for how long, with which code, and why', () => {
  const since = TWO_MINUTES_AGO;
  const ports = [{ host: 8080, guest: 80, protocol: 'tcp' as const }];
  const old = { definition: exampleMachine('old', { ports }) };
  const records = [
    record('new', { status: 'created' }, old),
    record('old', { status: 'running', run: 1, since }, old),
    record(
      'web',
      { status: 'running', run: 3, since },
      {
        restarts: 2,
        endpoint: { ports: [{ host: 8080, hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' }] },
      },
    ),
    record('job', { status: 'exited', run: 1, since, exit: { code: 7 } }),
    record('lost', { status: 'exited', run: 1, since, exit: { code: null, reason: 'guest kernel panic' } }),
    record('shot', { status: 'exited', run: 1, since, exit: { code: null, signal: 'SIGKILL' } }),
    record('bad', { status: 'failed', run: 1, since, reason: 'no /dev/kvm' }),
    record('loop', {
      status: 'restarting',
      run: 1,
      since,
      exit: { code: 1 },
      attempt: 3,
      nextAt: '2026-01-02T12:00:04Z',
    }),
  ];
  expect(psTable(records, NOW, { width: undefined })).toMatchInlineSnapshot(`
    "NAME   STATUS                                  COMMAND         PORTS
    new    created                                 /bin/httpd -f
    old    running for 2m                          /bin/httpd -f   8080->80/tcp
    web    running for 2m, 2 restarts              /bin/httpd -f   127.0.0.1:8080->80/tcp
    job    exited (7) 2m ago                       /bin/httpd -f
    lost   exited (?) 2m ago: guest kernel panic   /bin/httpd -f
    shot   exited (SIGKILL) 2m ago                 /bin/httpd -f
    bad    failed 2m ago: no /dev/kvm              /bin/httpd -f
    loop   restarting (3) in 4s, exited (1)        /bin/httpd -f"
  `);
});

test('words of the command are quoted where a shell would need it', () => {
  const definition = exampleMachine('web', { command: ['sh', '-c', "echo 'a b'; x"] });
  expect(
    psTable([record('web', { status: 'created' }, { definition })], NOW, { width: undefined }),
  ).toContain(String.raw`sh -c 'echo '\''a b'\''; x'`);
});

test('a long command is cut unless all of it is wanted', () => {
  const definition = exampleMachine('web', { command: ['sh', '-c', 'x'.repeat(80)] });
  const records = [record('web', { status: 'created' }, { definition })];
  expect(psTable(records, NOW, { width: undefined })).toContain(`sh -c ${'x'.repeat(33)}…\n`.trim());
  expect(psTable(records, NOW, { width: 60, whole: true })).toContain('x'.repeat(80));
});

test('json keeps an unknown exit code apart from 0, and holds no environment', () => {
  const state: MachineState = {
    status: 'exited',
    run: 2,
    since: TWO_MINUTES_AGO,
    exit: { code: null, reason: 'lost' },
  };
  const text = psJson(record('web', state, { run: 2 }));
  expect(JSON.parse(text)).toMatchObject({
    name: 'web',
    status: 'exited',
    exitCode: null,
    reason: 'lost',
    run: 2,
  });
  expect(text).not.toContain('secret');
});
