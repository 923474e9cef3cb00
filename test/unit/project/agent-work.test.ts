import { describe, expect, test } from 'vitest';
import { machineHash } from '../../../src/project/hash.ts';
import { only, resolveText, web } from './support.ts';

describe('a health check', () => {
  const timing = {
    intervalMs: 30_000,
    timeoutMs: 30_000,
    startPeriodMs: 0,
    startIntervalMs: 200,
    retries: 3,
    liveness: false,
  };

  test.each<[string, object]>([
    ['test: curl -f "$URL"', { kind: 'test', command: ['/bin/sh', '-c', 'curl -f "$URL"'] }],
    ['test: [pg_isready, -q]', { kind: 'test', command: ['pg_isready', '-q'] }],
    ['test: [CMD, pg_isready]', { kind: 'test', command: ['pg_isready'] }],
    ['test: [CMD-SHELL, "a || b"]', { kind: 'test', command: ['/bin/sh', '-c', 'a || b'] }],
    ['http: "http://:8080/healthz?a=b#c"', http('http', 'localhost', 8080, '/healthz?a=b')],
    ['http: HTTPS://shop.example', http('https', 'shop.example', 443, '/')],
    ['http: "http://[::1]?x"', http('http', '[::1]', 80, '/?x')],
    ['http: "http://:80/a b/%20/%2F/ö"', http('http', 'localhost', 80, '/a%20b/%20/%2F/%C3%B6')],
    ['tcp: 5432', { kind: 'tcp', port: 5432 }],
    ['tcp: "5432"', { kind: 'tcp', port: 5432 }],
    ['log: "ready to (accept|serve)"', { kind: 'log', pattern: 'ready to (accept|serve)' }],
  ])('with %s has the defaults for the rest', (line, probe) => {
    expect(web(`healthcheck: { ${line} }`).healthcheck).toEqual({ probe, ...timing });
  });

  function http(scheme: string, host: string, port: number, path: string): object {
    return { kind: 'http', scheme, host, port, path };
  }

  test('says how it is asked', () => {
    const line =
      'healthcheck: { tcp: 80, interval: 5s, timeout: 1s, start_period: 1m, start_interval: 50ms, retries: "5", hint: look, liveness: true }';
    expect(web(line).healthcheck).toEqual({
      probe: { kind: 'tcp', port: 80 },
      intervalMs: 5000,
      timeoutMs: 1000,
      startPeriodMs: 60_000,
      startIntervalMs: 50,
      retries: 5,
      hint: 'look',
      liveness: true,
    });
  });

  test.each(['{ tcp: 80, disable: true }', '{ disable: "true" }', '{ test: [NONE] }'])(
    'that is %s is none',
    (written) => {
      expect(web(`healthcheck: ${written}`).healthcheck).toBeUndefined();
    },
  );

  test('of a port is asked through what is published where nothing else leads in', () => {
    const file = (ports: string): string =>
      `machines: { web: { root: ./r, command: x, networks: [own], ports: [${ports}], healthcheck: { tcp: 80 } } }\nnetworks: { own: { driver: passt } }\n`;
    expect(only(resolveText(file('"8080:80"'))).healthcheck?.probe).toEqual({ kind: 'tcp', port: 80 });
    expect(resolveText(file('"8080:80/udp"')).project).toBeUndefined();
  });
});

describe('secrets and configs', () => {
  const file = (grants: string): string => `machines:
  web: { root: ./rootfs, command: x, ${grants} }
secrets: { token: { environment: TOKEN }, key: { file: ~/key.pem } }
configs: { app: { content: "a: 1" } }
`;
  const resolved = (grants: string): ReturnType<typeof resolveText> =>
    resolveText(file(grants), { environment: { HOME: '/home/u', TOKEN: 's3cret' } });

  test('say where the contents are, and lie where compose puts them', () => {
    const machine = only(resolved('secrets: [token, key], configs: [app]'));
    const owner = { uid: 0, gid: 0, mode: 0o444 };
    expect(machine.secrets).toEqual([
      {
        name: 'key',
        source: { kind: 'file', path: '/home/u/key.pem' },
        target: '/run/secrets/key',
        ...owner,
      },
      {
        name: 'token',
        source: { kind: 'environment', variable: 'TOKEN' },
        target: '/run/secrets/token',
        ...owner,
      },
    ]);
    expect(machine.configs).toEqual([{ name: 'app', source: { kind: 'content' }, target: '/app', ...owner }]);
  });

  test.each<[string, object]>([
    ['{ source: token, target: t }', { target: '/run/secrets/t' }],
    ['{ source: token, target: sub/t }', { target: '/run/secrets/sub/t' }],
    ['{ source: token, target: /etc//t }', { target: '/etc/t' }],
    ['{ source: token, uid: 1000, gid: "1001" }', { uid: 1000, gid: 1001 }],
    ['{ source: token, mode: "0400" }', { mode: 0o400 }],
    ['{ source: token, mode: "0o640" }', { mode: 0o640 }],
    ['{ source: token, mode: "4755" }', { mode: 0o4755 }],
  ])('%s', (grant, expected) => {
    expect(only(resolved(`secrets: [${grant}]`)).secrets[0]).toMatchObject(expected);
  });

  test('hold no contents anywhere in the project', () => {
    const { project } = resolved('secrets: [token], configs: [app]');
    expect(JSON.stringify(project)).not.toMatch(/s3cret|a: 1/);
  });

  test('are the same machine whatever they hold', () => {
    const hash = (token: string): string =>
      machineHash(only(resolveText(file('secrets: [token]'), { environment: { TOKEN: token } })));
    expect(hash('one')).toBe(hash('two'));
  });

  test('whose variable is not set are refused for machines that get them, and only there', () => {
    expect(resolveText(file('secrets: [token]'), { environment: {} }).text).toContain(
      'error unset-variable: the variable `TOKEN` of secret `token` is not set',
    );
    expect(resolveText(file('configs: [app]'), { environment: {} }).diagnostics).toEqual([]);
  });
});

describe('rules of develop', () => {
  const watch = (rule: string): object | undefined =>
    web('build: { command: ./mk }', `develop: { watch: [${rule}] }`).watch[0];
  const defaults = { ignore: [], include: [], gitignore: false };

  test.each<[string, object]>([
    [
      '{ path: ./src, action: sync, target: /app/ }',
      { path: '/p/src', action: 'sync', target: '/app', ...defaults, initialSync: true },
    ],
    [
      '{ path: ., action: sync+restart, target: /app, initial_sync: false, gitignore: true, ignore: a, include: [b, ""] }',
      {
        path: '/p',
        action: 'sync+restart',
        target: '/app',
        ignore: ['a'],
        include: ['b'],
        gitignore: true,
        initialSync: false,
      },
    ],
    ['{ path: ./x, action: rebuild }', { path: '/p/x', action: 'rebuild', ...defaults, initialSync: false }],
    [
      '{ path: ./x, action: exec, exec: make gen }',
      {
        path: '/p/x',
        action: 'exec',
        ...defaults,
        initialSync: false,
        exec: { command: ['make', 'gen'], environment: {} },
      },
    ],
    [
      '{ path: ./x, action: sync+exec, target: /x, exec: { command: [make], user: 33:33, working_dir: /app/, environment: [A=b] } }',
      {
        path: '/p/x',
        action: 'sync+exec',
        target: '/x',
        ...defaults,
        initialSync: true,
        exec: { command: ['make'], user: '33:33', workingDir: '/app', environment: { A: 'b' } },
      },
    ],
  ])('%s', (rule, expected) => {
    expect(watch(rule)).toEqual(expected);
  });

  test('may send one path to several actions', () => {
    const rules =
      'develop: { watch: [{ path: ., action: sync, target: /a }, { path: ., action: sync+restart, target: /a, include: x }] }';
    expect(
      resolveText(`machines:\n  web:\n    root: ./r\n    command: x\n    ${rules}\n`).diagnostics,
    ).toEqual([]);
  });
});

test('dependencies keep what they wait for, and what follows from it', () => {
  const file = `machines:
  web:
    root: ./r
    command: x
    depends_on:
      db: { condition: service_healthy, restart: true }
      log: { condition: log_ready, required: false }
      old: { restart: false, required: true }
  db: { root: ./r, command: x, healthcheck: { tcp: 80 } }
  log: { root: ./r, command: x, healthcheck: { log: ready } }
  old: { root: ./r, command: x }
`;
  expect(only(resolveText(file)).dependsOn).toEqual({
    db: { condition: 'healthy', restart: true },
    log: { condition: 'log_ready', isOptional: true },
    old: { condition: 'started' },
  });
});

test('a share can wake watchers in the guest', () => {
  expect(web('shares: [{ source: ./a, target: /a, notify: true }]').shares[0]).toMatchObject({
    notify: true,
  });
  expect(web('shares: ["./a:/a"]').shares[0]).not.toHaveProperty('notify');
});
