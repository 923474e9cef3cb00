import { rename, rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createCliRig, machine, SERVICE, writeMachines } from './cli-project.ts';
import type { Rig } from './support/rig.ts';
import { until } from './support/until.ts';
import { edit, startWatch } from './support/watching.ts';

const rule = (yaml: string): Readonly<Record<string, string>> => ({ develop: `{ watch: [${yaml}] }` });
const RESTART = rule('{ path: ./src, action: restart }');

/** Lines that the machine web has printed, in all of its runs. */
async function printed(rig: Rig): Promise<readonly string[]> {
  return (await rig.ok(['logs', '--no-log-prefix', 'web'])).split('\n').filter(Boolean);
}

test('krun watch starts the project, restarts by rule and names the file; Ctrl-C leaves the machines running', async () => {
  await using rig = await createCliRig(machine('web', SERVICE, RESTART), { files: { 'src/app.js': '1' } });
  await using watch = startWatch(rig, ['watch']);
  // A machine runs a moment before its command does.
  const isReady = (times: number): Promise<void> =>
    expect.poll(() => printed(rig)).toEqual(Array.from({ length: times }, () => 'ready'));
  await watch.waitForOutput(/^watching 1 rule and \d+ project files?$/m);
  await isReady(1);
  await edit(rig, 'src/app.js', '22');
  await watch.waitForOutput(/^web {2}restart: app\.js changed, \d/m);
  await isReady(2);
  await rig.write('src/new/deep.js', '');
  await watch.waitForOutput(/^web {2}restart: new\/deep\.js changed, \d/m);
  await isReady(3);
  await rm(`${rig.directory}/src/app.js`);
  await watch.waitForOutput(/restart: app\.js changed[^]*restart: app\.js changed/);
  await isReady(4);
  watch.signal('SIGINT');
  expect((await watch.result).code).toBe(0);
  expect(await rig.ok(['ps', '-q'])).toBe('web\n');
  expect(await printed(rig)).toHaveLength(4);
});

test('a broken krun.yaml is told and changes nothing; repaired, it is applied, with its rules', async () => {
  await using rig = await createCliRig(machine('web', SERVICE, RESTART), {
    files: { 'src/a': '', 'lib/b': '' },
  });
  await using watch = startWatch(rig, ['watch']);
  await watch.waitForOutput(/^watching/m);
  await rig.write('krun.yaml', 'machines: {web: {memory: much}}\n');
  await watch.waitForOutput(/^krun\.yaml:1:[^]*^krun\.yaml: not valid, so everything goes on as before$/m);
  expect(await rig.ok(['ps', '-q'])).toBe('web\n');
  await rig.write('src/a', 'old rule');
  await watch.waitForOutput(/^web {2}restart: a changed/m);
  // As editors do it: into another file, and then renamed.
  const changed = machine('web', SERVICE, rule('{ path: ./lib, action: restart }')) + machine('db', SERVICE);
  await rig.write('krun.yaml.tmp', `name: demo\nmachines:\n${changed}`);
  await rename(`${rig.directory}/krun.yaml.tmp`, `${rig.directory}/krun.yaml`);
  await watch.waitForOutput(/^krun\.yaml: applied, /m);
  expect(await rig.ok(['ps', '-q'])).toBe('db\nweb\n');
  await rig.write('lib/b', 'new rule');
  await watch.waitForOutput(/^web {2}restart: b changed/m);
});

test('an edit that means the same does nothing; .env and included files count, also when they come later', async () => {
  await using rig = await createCliRig(
    machine('web', 'echo "got $$WORD"; sleep 600', { environment: '{ WORD: "${WORD:-none}" }' }),
  );
  await using watch = startWatch(rig, ['watch']);
  await watch.waitForOutput(/^watching/m);
  await expect.poll(() => printed(rig)).toEqual(['got none']);
  await edit(rig, 'krun.yaml', `${await rig.read('krun.yaml')}# a remark\n`);
  await watch.waitForOutput(/^krun\.yaml: nothing to do$/m);
  await edit(rig, '.env', 'WORD=first\n');
  await watch.waitForOutput(/^\.env: applied, /m);
  await expect.poll(() => printed(rig)).toEqual(['got none', 'got first']);
  await edit(rig, '.env', 'WORD=second\n');
  await watch.waitForOutput(/\.env: applied, [^]*\.env: applied, /);
  await expect.poll(() => printed(rig)).toEqual(['got none', 'got first', 'got second']);
  await writeMachines(
    rig,
    '  {}\ninclude: [more.yaml]\n'.replace('  {}', '  x: { root: ./root, command: [sleep, "600"] }'),
  );
  await watch.waitForOutput(/not valid/);
  await rig.write('more.yaml', 'machines:\n  y: { root: ./root, command: [sleep, "600"] }\n');
  await watch.waitForOutput(/more\.yaml: applied, |krun\.yaml, more\.yaml: applied/);
  expect(await printed(rig)).toEqual(['got none', 'got first', 'got second']);
});

test('a rule that restarts a machine whose command writes into the watched folder is paused', async () => {
  const script = `date +%s%N >>"$$WATCHED/out.log"; echo ready; sleep 600`;
  await using rig = await createCliRig('', { files: { 'src/app.js': '' } });
  const more = { ...RESTART, environment: `{ WATCHED: ${rig.directory}/src }` };
  await writeMachines(rig, machine('web', script, more));
  await using watch = startWatch(rig, ['watch']);
  await watch.waitForOutput(/^watching/m);
  await rig.write('src/app.js', '1');
  const told = await watch.waitForOutput(/is paused[^]*\n  hint: .*\n/, 60_000);
  expect(told).toContain('web  restart of ./src is paused: out.log changes after each of its cycles');
  expect(told).toContain('hint: `ignore: out.log` in the rule leaves the file out');
  // Ignored, it is a loop no more.
  const ignoring = rule('{ path: ./src, action: restart, ignore: [out.log] }');
  await writeMachines(rig, machine('web', script, { ...more, ...ignoring }));
  await watch.waitForOutput(/krun\.yaml: (applied|nothing)/);
  await rig.write('src/app.js', '2');
  await watch.waitForOutput(/paused[^]*restart: app\.js changed/);
});

test('what was stopped by the user stays so; what ended by itself is started again by an edit', async () => {
  const broken = `grep -q fixed "$$WATCHED/app" || exit 3; echo ready; sleep 600`;
  await using rig = await createCliRig('', { files: { 'src/app': 'broken' } });
  await writeMachines(
    rig,
    machine('web', broken, { ...RESTART, environment: `{ WATCHED: ${rig.directory}/src }` }),
  );
  await using watch = startWatch(rig, ['up', '--watch']);
  await watch.waitForOutput(/web exited \(3\)/);
  await watch.waitForOutput(/^watching/m);
  await edit(rig, 'src/app', 'fixed');
  await watch.waitForOutput(/^web \| ready$/m);
  await rig.ok(['stop', 'web']);
  await watch.waitForOutput(/^web exited \(143\)$/m);
  await edit(rig, 'src/app', 'fixed again');
  await watch.waitForOutput(/^web {2}is not running: its rules wait for the next start$/m);
  expect(await rig.ok(['ps', '-q'])).toBe('');
  watch.signal('SIGINT');
  expect((await watch.result).code).toBe(0);
});

test('--no-up starts nothing, and json progress is events alone', async () => {
  await using rig = await createCliRig(machine('web', SERVICE, RESTART), { files: { 'src/a': '' } });
  await using watch = startWatch(rig, ['--progress', 'json', 'watch', '--no-up']);
  await watch.waitForOutput(/"type":"watch-ready","rules":1/);
  expect(await rig.ok(['ps', '-q'])).toBe('');
  await rig.ok(['up', '-d']);
  // Until it has seen the machine, an edit is told to wait.
  let edits = 0;
  const isTaken = async (): Promise<boolean> => {
    if (watch.stderr().includes('"type":"watch-step"')) return true;
    await rig.write('src/a', String((edits += 1)));
    return false;
  };
  expect(await until(isTaken, { timeoutMs: 30_000, everyMs: 500 })).toBe(true);
  watch.signal('SIGTERM');
  const { code, stdout, stderr } = await watch.result;
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  const steps = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(steps.find(({ type }) => type === 'watch-step')).toMatchObject({
    rule: { machine: 'web', action: 'restart', path: './src' },
    step: 'restart',
    causes: ['a'],
  });
});

test('rebuild builds again although no input of the build has changed, and a failed build is told', async () => {
  const script = 'cat "$$DIRECTORY/built"; echo; sleep 600';
  await using rig = await createCliRig('', { files: { Recipe: 'first', built: '' } });
  const build = '[sh, -c, "grep -v broken Recipe >built"]';
  const more = {
    ...rule('{ path: ./Recipe, action: rebuild }'),
    build: `{ command: ${build} }`,
    environment: `{ DIRECTORY: ${rig.directory} }`,
  };
  await writeMachines(rig, machine('web', script, more));
  await using watch = startWatch(rig, ['up', '--watch']);
  await watch.waitForOutput(/^web \| first$/m);
  await watch.waitForOutput(/^watching/m);
  await edit(rig, 'Recipe', 'second');
  await watch.waitForOutput(/^web \| second$/m);
  await watch.waitForOutput(/^web {2}rebuild: Recipe changed, /m);
  await edit(rig, 'Recipe', 'broken');
  await watch.waitForOutput(/^web {2}rebuild failed: build of web failed: sh exited with 1$/m);
  await edit(rig, 'Recipe', 'third');
  await watch.waitForOutput(/^web \| third$/m);
});
