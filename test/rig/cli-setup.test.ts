import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createRig } from './support/rig.ts';
import { createCliRig, machine, SERVICE } from './cli-project.ts';

const execFileAsync = promisify(execFile);

const PROGRAM = process.env['KRUN_TEST_PROGRAM'] ?? '';

test('config prints the merged files without secrets, and explains values', async () => {
  await using rig = await createCliRig(machine('web', SERVICE, { memory: '${MEM:-256MiB}' }));
  await rig.write('krun.override.yaml', 'machines:\n  web:\n    environment: { API_TOKEN: hunter2 }\n');
  await rig.write('.env', 'MEM=512MiB\n');
  const text = await rig.ok(['config']);
  expect(text).toContain('memory: 512MiB');
  expect(text).not.toContain('hunter2');
  expect(JSON.parse(await rig.ok(['config', '--format', 'json']))).toMatchObject({ name: 'demo' });
  const resolved = await rig.ok(['config', '--resolved', '--format', 'json']);
  expect(JSON.parse(resolved)).toMatchObject({
    machines: { web: { memoryMiB: 512, stopSignal: 'SIGTERM' } },
  });
  expect(resolved).not.toContain('hunter2');
  expect(await rig.ok(['config', '--machines'])).toBe('web\n');
  expect(await rig.ok(['config', '--hash'])).toMatch(/^web \d+-[0-9a-f]+\n$/);
  expect(await rig.ok(['config', '-q'])).toBe('');
  const explained = await rig.ok(['config', '--explain', 'machines.web.memory']);
  expect(explained).toMatch(/machines\.web\.memory: "512MiB"\n {2}set at krun\.yaml:\d+:\d+\n/);
  expect(explained).toContain('${MEM} is "512MiB", from .env:1');
  await rig.write('krun.override.yaml', 'machines:\n  web:\n    memori: 1GiB\n');
  const broken = await rig.krun(['config', '--explain', 'machines.web.memory']);
  expect(broken.code).toBe(2);
  expect(broken.stderr).toContain('unknown key `memori`');
  expect(broken.stdout).toContain('machines.web.memory: "512MiB"');
  await rig.write('krun.override.yaml', '{}');
  const unknown = await rig.krun(['config', '--explain', 'machines.web.memori']);
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toContain('did you mean `memory`?');
});

test('init writes a project that loads, and overwrites nothing without --force', async () => {
  await using rig = await createRig();
  const first = await rig.krun(['init']);
  expect(first).toMatchObject({ code: 0 });
  expect(first.stdout).toContain('krun up');
  expect(await rig.read('krun.yaml')).toMatch(/^name: p$/m);
  expect((await rig.krun(['validate'])).stderr).toContain('p: 1 machine, no mistakes');
  const second = await rig.krun(['init']);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain('exists');
  expect((await rig.krun(['init', '--force'])).code).toBe(0);
});

test('doctor looks at the library in a process of its own', async () => {
  await using rig = await createRig();
  const doctor = await rig.krun(['doctor', '--format', 'json']);
  const report = JSON.parse(doctor.stdout) as {
    ok: boolean;
    checks: { id: string; status: string; detail: string }[];
  };
  expect(doctor.code).toBe(report.ok ? 0 : 1);
  const libkrun = report.checks.find((check) => check.id === 'libkrun');
  expect(libkrun).toMatchObject({ status: 'ok' });
  expect(libkrun?.detail).toContain(rig.env['KRUN_LIBKRUN']);
  expect(report.checks.find((check) => check.id === 'runtime-directory')).toMatchObject({ status: 'ok' });

  const broken = await rig.write('libkrun.so.1', 'not a library');
  const other = await rig.krun(['doctor'], { env: { KRUN_LIBKRUN: broken } });
  expect(other.code).toBe(1);
  expect(other.stdout).toMatch(/failed +libkrun +.*cannot be loaded/);
});

test('doctor fails for a helper only where the project needs it', async () => {
  await using rig = await createCliRig(
    `${machine('web', SERVICE)}networks:\n  default: { driver: gvproxy }\n`,
    { env: { KRUN_GVPROXY: '/nowhere/gvproxy' } },
  );
  const gvproxy = async (cwd: string): Promise<unknown> => {
    const { stdout } = await rig.krun(['doctor', '--format', 'json'], { cwd });
    const { checks } = JSON.parse(stdout) as { checks: { id: string; status: string; detail: string }[] };
    return checks.find(({ id }) => id === 'gvproxy');
  };
  expect(await gvproxy('.')).toMatchObject({
    status: 'failed',
    detail: 'gvproxy: /nowhere/gvproxy does not exist; network `default` needs it',
    hint: expect.stringContaining('KRUN_GVPROXY names it'),
  });
  expect(await gvproxy('..')).toMatchObject({
    status: 'warning',
    detail: 'gvproxy: /nowhere/gvproxy does not exist; needed for networks of several machines',
  });
});

test('completion offers commands, options, choices and the names of machines', async () => {
  await using rig = await createCliRig(machine('web', SERVICE) + machine('db', SERVICE));
  await rig.ok(['up', '-d']);
  const complete = async (...words: readonly string[]): Promise<readonly string[]> =>
    (await rig.ok(['complete', '--', ...words])).split('\n').map((line) => line.split('\t')[0] ?? '');
  expect(await complete('st')).toEqual(['start', 'stop', 'stats', ':4', '']);
  expect(await complete('stop', '')).toEqual(['db', 'web', ':4', '']);
  expect(await complete('-f', 'krun.yaml', 'logs', '-f', 'w')).toEqual(['web', ':4', '']);
  expect(await complete('up', '--det')).toEqual(['--detach', ':4', '']);
  expect(await complete('--progress', '')).toEqual(['auto', 'tty', 'plain', 'json', 'quiet', ':4', '']);
  expect(await complete('-f', '')).toEqual([':0', '']);
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    expect(await rig.ok(['completion', shell])).toContain('complete');
  }
});

test('completion offers the machines of krun.yaml where they are meant, and values of options', async () => {
  await using rig = await createCliRig(machine('web', SERVICE) + machine('db', SERVICE));
  const complete = async (...words: readonly string[]): Promise<readonly string[]> =>
    (await rig.ok(['complete', '--', ...words])).split('\n').map((line) => line.split('\t')[0] ?? '');
  expect(await complete('up', '')).toEqual(['db', 'web', ':4', '']);
  expect(await complete('up', '--exit-code-from', 'w')).toEqual(['web', ':4', '']);
  expect(await complete('-f', 'other.yaml', 'up', '')).toEqual([':4', '']);
  expect(await complete('stop', '')).toEqual([':4', '']);
  expect(await complete('ps', '--status', 'r')).toEqual(['running', 'restarting', ':4', '']);
  expect(await complete('help', 'val')).toEqual(['validate', ':4', '']);
  expect(await complete('validate', '-')).toContain('--help');
});

test('the completion of bash works by itself, and twice, and runs nothing that was typed', async () => {
  await using rig = await createCliRig(machine('web', SERVICE) + machine('db', SERVICE));
  await rig.write('script', await rig.ok(['completion', 'bash']));
  await rig.write(
    'tab',
    [
      'source ./script; source ./script',
      // As bash fills them in: words apart at blanks and at =.
      'tab() { COMP_WORDS=(krun "$@"); COMP_CWORD=$#; __krun_complete; echo "${COMPREPLY[*]}"; }',
      'tab up w; tab up ""; tab --progress = js; tab logs --stream = ; tab up \'$(touch evil)\' ""; tab -f ta',
    ].join('\n'),
  );
  await rig.write('bin/krun', `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`, 0o755);
  const { stdout, stderr } = await execFileAsync('bash', ['--norc', 'tab'], {
    cwd: rig.directory,
    env: { ...rig.env, PATH: `${rig.directory}/bin:${rig.env['PATH']}` },
  });
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    'web',
    'db web',
    'json',
    'stdout stderr console helper all',
    'db web',
    'tab',
    '',
  ]);
  expect(await readdir(rig.directory)).not.toContain('evil');
});

test('the command itself takes --env-file, not the node that runs it', async () => {
  await using rig = await createCliRig(machine('web', SERVICE, { memory: '${MEM}' }));
  await rig.write('some.env', 'MEM=300MiB\n');
  const run = (...args: readonly string[]): Promise<string> =>
    execFileAsync(PROGRAM, args, { cwd: rig.directory, env: rig.env }).then(
      ({ stdout }) => stdout,
      (error: { stderr: string }) => error.stderr,
    );
  expect(await run('--env-file', 'some.env', 'config')).toContain('memory: 300MiB');
  expect(await run('--env-file', 'nowhere.env', 'config')).toMatch(/^error: .*`nowhere\.env`/);
});

test('a deleted working directory and a full disk are told in one line', async () => {
  await using rig = await createCliRig(machine('web', SERVICE));
  const shell = (script: string): Promise<{ stdout: string; stderr: string }> =>
    execFileAsync('bash', ['-c', `krun() { '${process.execPath}' '${PROGRAM}' "$@"; }; ${script}`], {
      cwd: rig.directory,
      env: rig.env,
    });
  const gone = await shell('mkdir gone && cd gone && rmdir ../gone && krun config --machines && krun ls -q');
  expect(gone).toEqual({ stdout: 'web\n', stderr: '' });
  const full = await shell('krun config > /dev/full; echo $?');
  expect(full).toEqual({ stdout: '1\n', stderr: 'krun: cannot write the output: ENOSPC\n' });
});

test('an unexpected exception is one line and a report, never a stack trace', async () => {
  await using rig = await createCliRig(machine('web', SERVICE));
  await mkdir(`${rig.directory}/.krun`);
  // No input is known to break krun; a broken runtime does.
  const broken = await rig.write(
    'broken.mjs',
    'Array.prototype.at = () => { throw new Error("at fails"); };\n',
  );
  const result = await rig.krun(['ps'], { env: { NODE_OPTIONS: `--import=${broken}` } });
  expect(result).toMatchObject({ code: 70, stdout: '' });
  const [, report = ''] = /^krun: internal error: .* \(report: (.*)\)\n$/.exec(result.stderr) ?? [];
  expect(report).toContain('.krun/crash-');
  expect(await rig.read(report.slice(rig.directory.length + 1))).toMatch(/\n {4}at /);
});
