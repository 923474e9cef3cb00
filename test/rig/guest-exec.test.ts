import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { createCliRig, machine, SERVICE, writeMachines } from './cli-project.ts';
import type { Rig } from './support/rig.ts';

/** A rig with the machines running. */
async function createRunning(machines: string): Promise<Rig> {
  const rig = await createCliRig(machines);
  await rig.ok(['up', '-d']);
  return rig;
}

/** Runs krun with bytes on both sides. */
async function bytes(rig: Rig, args: readonly string[], input: Uint8Array): Promise<Buffer> {
  const child = spawn(process.execPath, [rig.program, ...args], { cwd: rig.directory, env: rig.env });
  // A command that has read enough ends before its input does.
  child.stdin.on('error', (error: NodeJS.ErrnoException) =>
    expect(['EPIPE', 'ECONNRESET']).toContain(error.code),
  );
  child.stdin.end(input);
  child.stderr.resume();
  return buffer(child.stdout);
}

test('exec has the exit code of its command, and keeps output and errors apart', async () => {
  await using rig = await createRunning(machine('web', SERVICE));
  const result = await rig.krun(['exec', 'web', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
  expect(result).toMatchObject({ code: 7, stdout: 'out\n', stderr: 'err\n' });
  expect(await rig.krun(['exec', 'web', 'sh', '-c', 'kill -TERM $$'])).toMatchObject({ code: 143 });
});

test('every word behind the machine is the command’s, with and without two dashes', async () => {
  await using rig = await createRunning(machine('web', SERVICE));
  const words = ['printf', '[%s]', '-d', '--help', '--', '', "a 'b' $c", 'ü\n'];
  expect(await rig.ok(['exec', 'web', ...words])).toBe("[-d][--help][--][][a 'b' $c][ü\n]");
  expect(await rig.ok(['exec', 'web', '--', 'printf', '[%s]', '--'])).toBe('[--]');
  expect(await rig.ok(['exec', '-T', '--', 'web', 'echo', '-T'])).toBe('-T\n');
});

test('input and output are passed on byte by byte', async () => {
  await using rig = await createRunning(machine('web', SERVICE));
  const input = randomBytes(3 * 1024 * 1024 + 1);
  expect(
    createHash('md5')
      .update(await bytes(rig, ['exec', 'web', 'cat'], input))
      .digest('hex'),
  ).toBe(createHash('md5').update(input).digest('hex'));
  expect(await rig.ok(['exec', 'web', 'cat'], { input: '' })).toBe('');
  expect(await rig.ok(['exec', '-I', 'web', 'cat'], { input: 'not passed on' })).toBe('');
  // A command that reads a part of its input does not wait for the rest, nor does krun.
  expect((await bytes(rig, ['exec', 'web', 'head', '-c', '5'], input)).equals(input.subarray(0, 5))).toBe(
    true,
  );
});

test('-t makes a terminal also for piped input, which ends it', async () => {
  await using rig = await createRunning(machine('web', SERVICE));
  const result = await rig.krun(['exec', '-t', 'web', 'sh', '-c', 'tty; stty size; cat >/dev/null; exit 3'], {
    input: 'typed\n',
  });
  // What was typed is echoed whenever it comes.
  expect(result).toMatchObject({ code: 3, stdout: expect.stringMatching(/\/dev\/[^]*\r\n24 80\r\n/) });
});

test('variables, the directory and the user are the command’s', async () => {
  await using rig = await createRunning(machine('web', SERVICE, { environment: '{ OWN: yes }' }));
  const env = { HERE: 'from here', OWN: undefined };
  const shown = ['sh', '-c', 'echo "$OWN|$A|$HERE|${NONE-unset}|$(pwd)"'];
  expect(
    await rig.ok(['exec', '-e', "A=1 '2'", '-e', 'HERE', '-e', 'NONE', '-w', '/tmp', 'web', ...shown], {
      env,
    }),
  ).toBe("yes|1 '2'|from here|unset|/tmp\n");
  expect(await rig.ok(['exec', '-u', '1234:567', 'web', 'sh', '-c', 'id -u; id -g'])).toBe('1234\n567\n');
});

test('what cannot be run says so with the code of a shell', async () => {
  await using rig = await createRunning(machine('web', SERVICE));
  expect(await rig.krun(['exec', 'web', 'no-such-command'])).toMatchObject({
    code: 127,
    stdout: '',
    stderr: expect.stringMatching(/^krun: web: command not found.*: no-such-command\n/),
  });
  expect(await rig.krun(['exec', 'web', '/etc/passwd'])).toMatchObject({
    code: 126,
    stderr: expect.stringContaining('not executable: /etc/passwd'),
  });
  expect(await rig.krun(['exec', '-w', '/no/such', 'web', 'true'])).toMatchObject({
    code: 125,
    stderr: expect.stringContaining('/no/such is not a directory'),
  });
  expect(await rig.krun(['exec', '-u', 'nobody-here', 'web', 'true'])).toMatchObject({
    code: 125,
    stderr: expect.stringContaining("no user nobody-here in the guest's /etc/passwd"),
  });
});

test('a machine that takes no commands is told apart: unknown, not started, ended, without agent', async () => {
  const { stderr } = await (async () => {
    await using empty = await createCliRig(machine('web', SERVICE));
    return empty.krun(['exec', 'web', 'true']);
  })();
  expect(stderr).toBe('krun: no machine web\n  hint: krun up creates machines\n');

  await using rig = await createCliRig(
    machine('web', SERVICE) + machine('job', 'exit 3') + machine('bare', SERVICE, { agent: 'false' }),
  );
  await rig.ok(['up', '-d', '--no-start', 'web']);
  await rig.ok(['up', '-d', 'job', 'bare']);
  await rig.krun(['wait', 'job']);
  const exec = async (name: string): Promise<string> => {
    const { code, stderr } = await rig.krun(['exec', name, 'true']);
    return `${code} ${stderr}`;
  };
  expect(await exec('wbe')).toBe('1 krun: no machine wbe\n  hint: did you mean web?\n');
  expect(await exec('web')).toBe('1 krun: web was not started yet\n  hint: krun start web\n');
  expect(await exec('job')).toMatch(
    /^1 krun: job does not run: exited \(3\) \d+s ago\n {2}hint: krun start job\n$/,
  );
  expect(await exec('bare')).toMatch(/^1 krun: bare: .*agent/);
});

test('-d returns when the command runs, which goes on', async () => {
  await using rig = await createRunning(machine('web', SERVICE));
  const mark = path.join(rig.base, 'mark');
  const go = path.join(rig.base, 'go');
  const script = `while [ ! -e ${go} ]; do sleep 0.05; done; echo done >${mark}`;
  expect(await rig.krun(['exec', '-d', 'web', 'sh', '-c', script])).toMatchObject({
    code: 0,
    stdout: '',
    stderr: '',
  });
  await mkdir(go);
  await expect.poll(() => rig.read('../mark').catch(() => 'none')).toBe('done\n');
  expect(await rig.krun(['exec', '-d', 'web', 'no-such-command'])).toMatchObject({ code: 127 });
});

test('signals reach the command; a second SIGTERM ends krun where it is ignored', async () => {
  await using rig = await createRunning(machine('web', SERVICE));
  const trap = "trap 'echo int' INT; trap 'echo term; exit 9' TERM; echo ready; while :; do sleep 0.1; done";
  const running = rig.spawn(['exec', 'web', 'sh', '-c', trap]);
  await running.waitForOutput(/ready/);
  running.signal('SIGINT');
  await running.waitForOutput(/int/);
  running.signal('SIGTERM');
  expect(await running.result).toMatchObject({ code: 9, stdout: 'ready\nint\nterm\n' });

  const deaf = rig.spawn([
    'exec',
    'web',
    'sh',
    '-c',
    "trap 'echo no' TERM; echo ready; while :; do sleep 0.1; done",
  ]);
  await deaf.waitForOutput(/ready/);
  deaf.signal('SIGTERM');
  await deaf.waitForOutput(/no/);
  deaf.signal('SIGTERM');
  expect(await deaf.result).toMatchObject({ code: 143 });
});

test('the command ends with krun, also where that is killed', async () => {
  await using rig = await createRunning(machine('web', SERVICE));
  const running = rig.spawn(['exec', 'web', 'sh', '-c', 'echo pid $$; exec sleep 1000']);
  await running.waitForOutput(/pid \d+/);
  running.signal('SIGKILL');
  await running.result;
  await expect.poll(() => rig.ok(['exec', 'web', 'sh', '-c', 'ps -e -o args'])).not.toContain('sleep 1000\n');
});

test('a command that is cut off by the end of its machine has no exit code, and krun says why', async () => {
  await using rig = await createRunning(machine('web', SERVICE));
  const running = rig.spawn(['exec', 'web', 'sh', '-c', 'echo ready; exec sleep 1000']);
  await running.waitForOutput(/ready/);
  await rig.ok(['kill', 'web']);
  expect(await running.result).toMatchObject({ code: 125, stderr: expect.stringMatching(/^krun: web: /) });
});

test('a command without reader ends, and output that nobody reads is held back', async () => {
  await using rig = await createRunning(machine('web', SERVICE));
  const script = `"${process.execPath}" "${rig.program}" exec web sh -c 'while :; do echo y; done' | head -n 3`;
  const child = spawn('sh', ['-c', script], { cwd: rig.directory, env: rig.env });
  child.stdin.end();
  expect((await buffer(child.stdout)).toString()).toBe('y\ny\ny\n');
});

test('many commands at once each get their own bytes', async () => {
  await using rig = await createRunning(machine('web', SERVICE));
  const inputs = Array.from({ length: 12 }, () => randomBytes(200_000));
  const outputs = await Promise.all(inputs.map((input) => bytes(rig, ['exec', 'web', 'cat'], input)));
  expect(outputs.map((output, index) => output.equals(inputs[index] ?? Buffer.alloc(0)))).toEqual(
    inputs.map(() => true),
  );
});

test('options that are wrong are usage errors', async () => {
  await using rig = await createCliRig(machine('web', SERVICE));
  expect(await rig.krun(['exec', 'web'])).toMatchObject({ code: 2 });
  expect(await rig.krun(['exec', '-w', 'tmp', 'web', 'true'])).toMatchObject({ code: 2 });
});

test('a user of the file is the user of commands too', async () => {
  await using rig = await createCliRig('');
  await writeMachines(rig, machine('web', SERVICE, { user: '"1234:567"' }));
  await rig.ok(['up', '-d']);
  expect(await rig.ok(['exec', 'web', 'sh', '-c', 'id -u'])).toBe('1234\n');
  expect(await rig.ok(['exec', '-u', '0', 'web', 'sh', '-c', 'id -u'])).toBe('0\n');
});
