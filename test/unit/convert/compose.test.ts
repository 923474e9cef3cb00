import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { convertCompose } from '../../../src/convert/compose.ts';
import { noteLines, type Conversion } from '../../../src/convert/note.ts';
import { kindOf, projectOf } from './support.ts';

const FIXTURES = path.join(import.meta.dirname, 'fixtures');

function converted(text: string): Conversion {
  const result = convertCompose({ path: '/p/compose.yaml', text }, kindOf);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

/** Machines of a file with one service, `web`, that has these further lines. */
function service(...lines: readonly string[]): Conversion {
  const keys = ['image: alpine', 'command: sh', ...lines];
  return converted(`services:\n  web:\n${keys.map((line) => `    ${line}\n`).join('')}`);
}

function notesOf(conversion: Conversion): readonly string[] {
  return conversion.notes.map(({ about, text }) => `${about}: ${text}`);
}

describe('a whole compose file', () => {
  test.each(['shop', 'everything'])('%s becomes a krun.yaml that loads', async (name) => {
    const made = converted(readFileSync(path.join(FIXTURES, `${name}.compose.yaml`), 'utf8'));
    const text = `${made.yaml}\n--- notes\n${noteLines(made.notes).join('\n')}\n`;
    await expect(text).toMatchFileSnapshot(path.join(FIXTURES, `${name}.krun.txt`));
    const environment = { HOME: '/home/u', KEY: 'k', TAG: 't' };
    const project = await projectOf(made.yaml, { environment, profiles: ['debug'], hostArch: 'arm64' });
    expect(project.name).toBe(name);
  });

  test('keeps its order, its comments and its styles', () => {
    const { yaml } = converted(`# head

services:
  # the web
  web: # here
    command: ['sh', "-c"] # words
    image: alpine
    # the mode
    tty: true

x-last: { a: 1 }
# tail
`);
    expect(yaml).toBe(`# head

machines:
  # the web
  web:
    # here
    command: ['sh', "-c"] # words
    root: ./rootfs/web
    build:
      command: [/bin/sh, -c, 'echo "FROM $$1" | docker build --output type=local,dest=rootfs/web -', build, alpine]
    # the mode
    tty: true

x-last: {a: 1}

# tail
`);
  });

  test('without services is refused', () => {
    const result = convertCompose({ path: '/p/x.yaml', text: 'machines: {}\n' }, kindOf);
    expect(result).toMatchObject({ ok: false, error: [{ message: 'the file has no `services`' }] });
  });

  test('that is no YAML is refused with the places', () => {
    const result = convertCompose({ path: '/p/x.yaml', text: 'services: [\n' }, kindOf);
    expect(result).toMatchObject({
      ok: false,
      error: [{ code: 'yaml-syntax', span: { file: '/p/x.yaml' } }],
    });
  });

  test('with aliases that stand for too much is refused', () => {
    const levels = Array.from({ length: 9 }, (_, n) => `x-${n + 1}: &a${n + 1} [${`*a${n},`.repeat(9)}]`);
    const text = `x-0: &a0 [1]\n${levels.join('\n')}\nservices: { web: { image: x } }\n`;
    const result = convertCompose({ path: '/p/x.yaml', text }, kindOf);
    expect(result).toMatchObject({ ok: false, error: [{ code: 'yaml-alias' }] });
  });

  test('whose anchors are in services that change keeps what they stand for', async () => {
    const { yaml } = converted(`services:
  a: &a
    image: alpine
    command: sh
    environment: &env { A: b }
  b:
    <<: *a
    environment:
      <<: [*env, { C: d }]
      A: own
`);
    const { machines } = await projectOf(yaml);
    expect(machines['a']?.environment).toEqual({ A: 'b' });
    expect(machines['b']?.environment).toEqual({ A: 'own', C: 'd' });
    expect(yaml).not.toMatch(/[&*]\w+$|<</m);
  });
});

test('an image is a word of the command that unpacks it, whatever is in it or in its variables', async () => {
  const image = `a'; touch owned; '`;
  const { yaml } = converted(`services:
  web:
    image: "${image}"
    platform: "${image}"
    command: sh
  other: { image: '$TAG', command: sh }
`);
  const { machines } = await projectOf(yaml, { environment: { TAG: image } });
  for (const name of ['web', 'other']) {
    const [shell, option, script = '', ...words] = machines[name]?.build?.command ?? [];
    expect([shell, option]).toEqual(['/bin/sh', '-c']);
    expect(script).not.toContain('owned');
    expect(words.slice(1)).toEqual(name === 'web' ? [image, image] : [image]);
  }
});

describe('a key of a service', () => {
  test.each<[string, readonly string[], Record<string, unknown>]>([
    ['memory in bytes gets a unit', ['mem_limit: 134217728'], { memoryMiB: 128 }],
    ['a part of a processor becomes a whole one', ['cpus: 0.5'], { cpus: 1 }],
    [
      'limits of deploy are those of the machine',
      ['deploy: { resources: { limits: { memory: 64M, cpus: "2" } } }'],
      { memoryMiB: 64, cpus: 2 },
    ],
    [
      'a restart policy of deploy is one',
      ['deploy: { restart_policy: { condition: on-failure, max_attempts: 2 } }'],
      { restart: { policy: 'on-failure', maxRetries: 2 } },
    ],
    ['network_mode none is no network', ['network_mode: none'], { networks: [] }],
    ['env of a list stays', ['environment: [A=b]'], { environment: { A: 'b' } }],
    [
      'numbers stay as they were written',
      ['environment: { V: 3.10, M: 0755, H: 0x1F }'],
      { environment: { V: '3.10', M: '0755', H: '0x1F' } },
    ],
    [
      'a stop signal stays',
      ['stop_signal: SIGINT', 'stop_grace_period: 1m'],
      { stopSignal: 'SIGINT', stopGracePeriodMs: 60_000 },
    ],
  ])('%s', async (_name, lines, expected) => {
    const { machines } = await projectOf(service(...lines).yaml);
    expect(machines['web']).toMatchObject(expected);
  });

  test('a port of several is any free one', async () => {
    const made = service('ports: ["9000-9010:80", "127.0.0.1:7:7"]');
    const { machines } = await projectOf(made.yaml);
    expect(machines['web']?.ports).toMatchObject([
      { guest: 7, host: 7, hostIp: '127.0.0.1' },
      { guest: 80, host: 'auto' },
    ]);
    expect(notesOf(made).join('\n')).toContain('krun takes any free one and keeps it');
  });

  test('a mounted file is a config, also beside others', async () => {
    const made = converted(`services:
  web:
    image: alpine
    command: sh
    configs: [own]
    volumes: [./nginx.conf:/etc/nginx.conf:ro]
configs: { own: { content: x } }
`);
    const { machines } = await projectOf(made.yaml);
    expect(machines['web']?.configs.map(({ target }) => target).toSorted()).toEqual([
      '/etc/nginx.conf',
      '/own',
    ]);
    expect(machines['web']?.shares).toEqual([]);
  });

  test('colons of a variable do not end the source of a mount', async () => {
    const made = service('volumes: ["${DIR:-./data}:/data:ro"]');
    const { machines } = await projectOf(made.yaml);
    expect(machines['web']?.shares).toMatchObject([{ source: '/p/data', target: '/data', readOnly: true }]);
  });

  test('names that krun does not take are changed wherever they stand', async () => {
    const made = converted(`services:
  My.App: { image: a, command: sh, depends_on: [Host], networks: [Front.End] }
  my-app: { image: a, command: sh }
  Host: { image: a, command: sh }
networks: { Front.End: }
`);
    const { machines, networks } = await projectOf(made.yaml);
    expect(Object.keys(machines).toSorted()).toEqual(['host-machine', 'my-app', 'my-app-2']);
    expect(machines['my-app']?.dependsOn).toMatchObject({ 'host-machine': { condition: 'started' } });
    expect(Object.keys(networks)).toContain('front-end');
  });

  test('a wait for the health check of an image becomes one for the start', async () => {
    const made = converted(`services:
  web: { image: a, command: sh, depends_on: { db: { condition: service_healthy } } }
  db: { image: b, command: sh }
`);
    const { machines } = await projectOf(made.yaml);
    expect(machines['web']?.dependsOn['db']?.condition).toBe('started');
    expect(notesOf(made).join('\n')).toContain('write the `healthcheck` of the image into machine db');
  });

  test('each note says the line', () => {
    const made = service('privileged: true');
    expect(made.notes).toContainEqual({
      line: 5,
      about: 'services.web.privileged',
      text: 'a machine has a kernel of its own, in which root may do everything',
    });
  });

  test('variables that compose takes for empty are told once', () => {
    const about = service('environment: { A: "${X}", B: "${X}", C: "${Y:-1}", D: $$Z }').notes.map(
      (one) => one.about,
    );
    expect(about.filter((text) => text.startsWith('$'))).toEqual(['${X}']);
  });
});
