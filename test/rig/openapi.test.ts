import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CONTROL_ROUTES } from '../../src/machine/control-server.ts';
import type { Request } from '../../src/plan/request.ts';
import { openSession } from '../../src/session/client.ts';
import { machineLayout } from '../../src/store/layout.ts';
import { SUPERVISOR_ROUTES } from '../../src/supervisor/api.ts';
import { endOf, request as sessionRequest } from './support/guest-sessions.ts';
import { SupervisedProject } from './support/supervised.ts';

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
  readonly requestBody?: { readonly content: Content };
}
type Content = Readonly<Record<string, { readonly schema: object }>>;
type PathItem = { readonly 'x-krun-socket': 'supervisor' | 'machine' } & Readonly<
  Partial<Record<'get' | 'post', Operation>>
>;

const FILE = path.resolve(import.meta.dirname, '../../docs/openapi.yaml');
const document = parse(readFileSync(FILE, 'utf8')) as {
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
};

const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { 'date-time': isTime } });
ajv.addSchema(document, 'openapi');

function isTime(text: string): boolean {
  return !Number.isNaN(Date.parse(text)) && text.endsWith('Z');
}

/** Pointer of a part of the document, as a reference. */
function reference(...keys: readonly string[]): string {
  const parts = keys.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1')));
  return `openapi#/${parts.join('/')}`;
}

/** Fails with what is wrong unless the value is what the document says. */
function expectValid(value: unknown, ...keys: readonly string[]): void {
  const validate = ajv.compile({ $ref: reference(...keys) });
  const isValid = validate(value);
  expect(isValid ? [] : [{ value, errors: validate.errors }]).toEqual([]);
}

function routesOf(socket: 'supervisor' | 'machine'): readonly string[] {
  return Object.entries(document.paths)
    .filter(([, item]) => item['x-krun-socket'] === socket)
    .flatMap(([url, item]) =>
      (['get', 'post'] as const)
        .filter((method) => item[method])
        .map((method) => `${method.toUpperCase()} ${url}`),
    )
    .toSorted();
}

/** What was asked of real processes: `GET /vm/state 200`. */
const asked = new Set<string>();

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Asks one operation of a socket, and holds what is sent and answered against the document. */
async function ask(socketPath: string, route: string, body?: unknown): Promise<Answer> {
  const [method = '', url = ''] = route.split(' ');
  const answer = await new Promise<Answer>((resolve, reject) => {
    const request = http.request({ socketPath, method, path: url, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text }),
      );
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
  expectDescribed(route, answer, body);
  return answer;
}

function expectDescribed(route: string, { status, type, text }: Answer, body?: unknown): void {
  const [method = '', url = ''] = route.split(' ');
  const place = ['paths', url, method.toLowerCase()];
  const operation = document.paths[url]?.[method.toLowerCase() as 'get' | 'post'];
  expect(Object.keys(operation?.responses ?? {})).toContain(String(status));
  asked.add(`${route} ${status}`);
  if (body !== undefined && status < 400) {
    expectValid(body, ...place, 'requestBody', 'content', 'application/json', 'schema');
  }
  const content = operation?.responses[status]?.content;
  expect(type).toBe(content === undefined ? '' : Object.keys(content)[0]);
  if (content === undefined) {
    expect(text).toBe('');
    return;
  }
  const lines =
    type === 'application/x-ndjson' ? text.split('\n').filter((line) => line.trim() !== '') : [text];
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) {
    expectValid(JSON.parse(line), ...place, 'responses', String(status), 'content', type, 'schema');
  }
}

const FOREVER = 'while :; do sleep 0.05; done';

test('the document names what the servers answer, and nothing else', () => {
  expect(routesOf('supervisor')).toEqual([...SUPERVISOR_ROUTES].toSorted());
  expect(routesOf('machine')).toEqual([...CONTROL_ROUTES].toSorted());
});

test('every schema of the document is one', () => {
  for (const name of Object.keys(document.components.schemas)) {
    expect(() => ajv.compile({ $ref: reference('components', 'schemas', name) })).not.toThrow();
  }
});

describe('real processes answer as the document says', () => {
  test('the supervisor, through the life of machines', async () => {
    await using project = await SupervisedProject.create();
    await project.supervisor();
    const socket = project.layout.supervisorSocket;
    const healthy = await project.machine('web', FOREVER, {
      environment: { A: 'b' },
      healthcheck: {
        probe: { kind: 'log', pattern: 'x' },
        intervalMs: 1000,
        timeoutMs: 1000,
        startPeriodMs: 0,
        startIntervalMs: 100,
        retries: 1,
        liveness: false,
      },
    });
    const failing = await project.machine('task', 'exit 3', { kind: 'task' });
    const events = follow(socket);
    const send = (wanted: Request): Promise<Answer> => ask(socket, 'POST /v1/requests', wanted);
    await ask(socket, 'GET /v1/version');
    await send(project.up([healthy, failing]));
    await project.untilState('task', ({ status }) => status === 'exited');
    const { text } = await ask(socket, 'GET /v1/machines');
    expect(JSON.parse(text)).toHaveLength(2);
    await send({ type: 'restart', machines: ['web'] });
    await send({ type: 'kill', machines: ['web'], signal: 'SIGTERM' });
    await send({ type: 'stop', machines: ['web'], timeoutMs: 5000 });
    await send({ type: 'start', machines: ['web'] });
    await send({ type: 'rm', machines: ['task'], stop: false });
    await send({ type: 'stop', machines: ['nobody'] });
    await ask(socket, 'POST /v1/requests', 'nothing');
    await ask(socket, 'POST /v1/exit');
    expectDescribed('GET /v1/events', await events);
  });

  test('a machine, from its first question to its end', async () => {
    await using project = await SupervisedProject.create();
    const web = await project.machine('web', `trap "exit 0" TERM; ${FOREVER}`, {
      environment: { PASSWORD: 'secret-of-the-test' },
      shares: [{ source: project.base, tag: 'base', readOnly: false, daxBytes: 0 }],
    });
    const hard = await project.machine('hard', FOREVER);
    await project.done(project.up([web, hard]));
    const socket = machineLayout(project.layout, 'web').controlSocket;
    await ask(socket, 'GET /vm/state');
    const inspected = await ask(socket, 'GET /vm/inspect');
    expect(JSON.parse(inspected.text)).toMatchObject({ vcpus: 1, memoryBytes: 256 * 1024 ** 2 });
    expect(inspected.text).toContain(project.base);
    expect(inspected.text).not.toMatch(/secret-of-the-test|PASSWORD|sleep/);

    const wanted = sessionRequest(['/bin/sh', '-c', 'exit 4']);
    expectValid(wanted, 'components', 'schemas', 'SessionRequest');
    const session = await openSession(socket, wanted);
    if (!session.ok) throw new Error(session.error.message);
    expectValid(await endOf(session.value), 'components', 'schemas', 'SessionEnd');
    asked.add('POST /sessions 101');
    await ask(socket, 'POST /sessions', { command: [] });
    await ask(socket, 'POST /sessions', { command: ['true'] });
    await ask(socket, 'POST /vm/state', { state: 'Pause' });
    await ask(socket, 'POST /vm/state', { state: 'x'.repeat(5000) });
    await ask(socket, 'POST /vm/state', { state: 'Stop' });
    await project.untilState('web', ({ status }) => status === 'exited');
    await ask(machineLayout(project.layout, 'hard').controlSocket, 'POST /vm/state', { state: 'HardStop' });
    await project.untilState('hard', ({ status }) => status === 'exited');
  });

  test('a machine without agent has no sessions', async () => {
    await using project = await SupervisedProject.create();
    const web = await project.machine('web', FOREVER, { agent: false });
    await project.done(project.up([web]));
    const { controlSocket } = machineLayout(project.layout, 'web');
    const { status } = await ask(controlSocket, 'POST /sessions', sessionRequest(['true']));
    expect(status).toBe(409);
  });

  test('and every answer of the document was asked for', () => {
    const described = Object.entries(document.paths).flatMap(([url, item]) =>
      (['get', 'post'] as const).flatMap((method) =>
        Object.keys(item[method]?.responses ?? {}).map(
          (status) => `${method.toUpperCase()} ${url} ${status}`,
        ),
      ),
    );
    expect([...asked].toSorted()).toEqual(described.toSorted());
  });
});

/** All that a supervisor tells until it ends. */
function follow(socketPath: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath, path: '/v1/events', agent: false }, (response) => {
      let text = '';
      const done = (): void =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          // What the end cuts off is no event.
          text: text.slice(0, text.lastIndexOf('\n')),
        });
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('error', done);
      response.on('end', done);
    });
    request.on('error', reject);
  });
}
