import { describe, expect, test } from 'vitest';
import { explain } from '../../../src/config/explain.ts';
import { printableConfig } from '../../../src/config/print.ts';
import { isSecretName, redactPlain, secretsOf } from '../../../src/config/redact.ts';
import { explanationText } from '../../../src/view/explanation.ts';
import { toYaml } from '../../../src/view/yaml.ts';
import { load, textOf } from './support/load.ts';

const files = {
  '/p/krun.yaml': [
    'machines:',
    '  web:',
    '    root: ./rootfs',
    '    memory: 512MiB',
    '    command: [sh, -c, "echo $$HOME ${API_TOKEN}"]',
    '    environment:',
    '      DB_PASSWORD: hunter2',
    '      PLAIN: ${NONE:-x}',
    '      dotted.name: a',
    '    env_file: web.env',
    '',
  ].join('\n'),
  '/p/krun.override.yaml': 'machines:\n  web:\n    memory: ${MEMORY}\n    environment: { PLAIN: "y$Z" }\n',
  '/p/.env': '# sizes\nMEMORY=1GiB\nAPI_TOKEN=s3cret\nZ=z\n',
  '/p/web.env': 'FROM_FILE=1\n',
};

async function explained(path: string): Promise<string> {
  const result = await load(files);
  expect(textOf(result)).toBe('');
  if (!result.tree) throw new Error('no tree');
  const found = explain(result.tree, path);
  return found.ok
    ? explanationText(found.value, result.texts, '/p')
    : `${found.error.message} (${found.error.hint})`;
}

describe('krun config --explain', () => {
  test.each<[string, string[]]>([
    [
      'machines.web.memory',
      [
        'machines.web.memory: "1GiB"',
        '  set at krun.override.yaml:3:13',
        '  ${MEMORY} is "1GiB", from .env:2',
        '  replaces "512MiB" at krun.yaml:4:13',
      ],
    ],
    [
      'machines.web.environment.PLAIN',
      [
        'machines.web.environment.PLAIN: "yz"',
        '  set at krun.override.yaml:4:27',
        '  ${Z} is "z", from .env:4',
        '  replaces "x" at krun.yaml:8:14',
      ],
    ],
    [
      'machines.web.environment.dotted.name',
      ['machines.web.environment.dotted.name: "a"', '  set at krun.yaml:9:20'],
    ],
    [
      'machines.web.environment.FROM_FILE',
      ['machines.web.environment.FROM_FILE: "1"', '  set at web.env:1:11'],
    ],
    [
      'machines.web.environment.DB_PASSWORD',
      ['machines.web.environment.DB_PASSWORD: "***"', '  set at krun.yaml:7:20'],
    ],
    [
      'machines.web.command[2]',
      [
        'machines.web.command[2]: "echo $HOME ***"',
        '  set at krun.yaml:5:23',
        '  ${API_TOKEN} is "***", from .env:3',
      ],
    ],
    [
      'machines.web.command',
      ['machines.web.command: ["sh","-c","echo $HOME ***"]', '  set at krun.yaml:5:5'],
    ],
  ])('%s', async (path, expected) => {
    expect(await explained(path)).toBe(expected.join('\n'));
  });

  test.each([
    ['machines.wbe.memory', 'no file sets `wbe` in `machines` (did you mean `web`?)'],
    [
      'machines.web.hostname',
      'no file sets `hostname` in `machines.web` (files set root, memory, command, environment there; for the rest, `krun config --resolved` shows the defaults)',
    ],
    ['machines.web.memory.x', '`machines.web.memory` is a single value; it has no `x` (undefined)'],
    [
      'machines.web.command[7]',
      '`machines.web.command` is a list of 3; it has no `[7]` (items are numbered from [0])',
    ],
  ])('%s is not there', async (path, expected) => {
    expect(await explained(path)).toBe(expected);
  });
});

describe('krun config', () => {
  test('prints the merged file without secrets, valid once more', async () => {
    const { tree } = await load(files);
    if (!tree) throw new Error('no tree');
    expect(toYaml(printableConfig({ tree, name: 'p' }))).toBe(
      [
        'name: p',
        'machines:',
        '  web:',
        '    root: ./rootfs',
        '    memory: 1GiB',
        '    command:',
        '      - sh',
        '      - -c',
        '      - echo $$HOME ***',
        '    environment:',
        '      FROM_FILE: "1"',
        '      DB_PASSWORD: "***"',
        '      PLAIN: yz',
        '      dotted.name: a',
        '',
      ].join('\n'),
    );
  });

  test('prints secrets where they are asked for', async () => {
    const { tree } = await load(files);
    if (!tree) throw new Error('no tree');
    expect(printableConfig({ tree, name: 'p', showSecrets: true })).toMatchObject({
      machines: {
        web: { environment: { DB_PASSWORD: 'hunter2' }, command: ['sh', '-c', 'echo $$HOME s3cret'] },
      },
    });
  });

  test('has no secret of a variable that only an included file knows', async () => {
    const { tree, diagnostics } = await load({
      '/p/krun.yaml': 'include: [{ path: sub/krun.yaml, env_file: sub/my.env }]\n',
      '/p/sub/krun.yaml':
        'machines:\n  a: { root: ../rootfs, command: "run ${API_TOKEN}", environment: { U: "x://u:${PW}@h" } }\n',
      '/p/sub/my.env': 'API_TOKEN=s3cret\nPW=hunter2\n',
    });
    expect(diagnostics).toEqual([]);
    if (!tree) throw new Error('no tree');
    expect(printableConfig({ tree, name: 'p' })).toMatchObject({
      machines: { a: { command: 'run ***', environment: { U: 'x://u:***@h' } } },
    });
    const found = explain(tree, 'machines.a.command');
    expect(found.ok && explanationText(found.value, new Map(), '/p')).toContain(
      '${API_TOKEN} is "***", from sub/my.env:1',
    );
    expect(secretsOf(tree)).toEqual(new Set(['s3cret']));
  });

  test('knows for each machine what of it came from secret-looking variables, also once they have changed', async () => {
    const { project } = await load({
      '/p/krun.yaml':
        'machines:\n  a: { root: ./rootfs, command: [run, "--token=${API_TOKEN}"] }\n  b: { root: ./rootfs, command: b }\n',
      '/p/.env': 'API_TOKEN=s3"cret\n',
    });
    expect(project?.machines['a']).toMatchObject({
      command: ['run', '--token=s3"cret'],
      hidden: ['s3"cret'],
    });
    expect(project?.machines['b']).not.toHaveProperty('hidden');
  });

  test('hides a secret that begins like another as a whole', () => {
    expect(redactPlain(['s3cret-longer s3cret'], new Set(['s3cret', 's3cret-longer']))).toEqual(['*** ***']);
  });

  test('hides what a resolved project holds of secrets', () => {
    const web = {
      environment: { DB_PASSWORD: 'a', URL: 'x://u:b@h', PLAIN: 'z' },
      command: ['run', 's3cret'],
    };
    expect(redactPlain({ web, empty: { environment: { TOKEN: '' } } }, new Set(['s3cret']))).toEqual({
      web: { environment: { DB_PASSWORD: '***', URL: 'x://u:***@h', PLAIN: 'z' }, command: ['run', '***'] },
      empty: { environment: { TOKEN: '' } },
    });
  });

  test('prints no contents of secrets and configs, and modes as they are spelt', async () => {
    const text = `machines:
  a: { root: ./rootfs, command: a, secrets: [{ source: t, mode: 0440 }, { source: t, target: x, mode: 0o600 }] }
secrets: { t: { content: s3cret } }
configs: { c: { content: also } }
`;
    const { tree, project, grantValues } = await load({ '/p/krun.yaml': text });
    if (!tree) throw new Error('no tree');
    expect(printableConfig({ tree, name: 'p' })).toMatchObject({
      machines: {
        a: {
          secrets: [
            { source: 't', mode: '0440' },
            { source: 't', target: 'x', mode: '0o600' },
          ],
        },
      },
      secrets: { t: { content: '***' } },
      configs: { c: { content: '***' } },
    });
    expect(project?.machines['a']?.secrets.map(({ mode }) => mode)).toEqual([0o440, 0o600]);
    expect(JSON.stringify(project)).not.toContain('s3cret');
    expect(grantValues).toEqual({ 'secrets/t': 's3cret' });
  });

  test('prints the chosen machines only', async () => {
    const { tree } = await load({
      '/p/krun.yaml': 'machines:\n  a: { root: ./rootfs, command: a }\n  b: { root: ./rootfs, command: b }\n',
    });
    if (!tree) throw new Error('no tree');
    expect(printableConfig({ tree, name: 'p', machines: ['b'] })).toEqual({
      name: 'p',
      machines: { b: { root: './rootfs', command: 'b' } },
    });
  });
});

test.each([
  ['DB_PASSWORD', true],
  ['GITHUB_TOKEN', true],
  ['API_KEY', true],
  ['SSH_KEYS', true],
  ['apiKey', true],
  ['SECRET_NAME', true],
  ['KEYBOARD', false],
  ['HOME', false],
  ['PORT', false],
])('the name %s is secret: %s', (name, expected) => {
  expect(isSecretName(name)).toBe(expected);
});
