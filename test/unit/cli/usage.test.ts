import { expect, test } from 'vitest';
import { EXIT } from '../../../src/cli/exit-codes.ts';
import { runCommandLine } from '../../../src/cli/run.ts';
import { createTestHost } from './host.ts';

async function krun(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const host = createTestHost();
  const code = await runCommandLine(argv, host);
  return { code, out: host.out(), err: host.err() };
}

test('help goes to stdout and lists the commands in groups', async () => {
  const { code, out, err } = await krun('--help');
  expect(code).toBe(EXIT.ok);
  expect(err).toBe('');
  expect(out).toMatchSnapshot();
});

test('krun alone prints the same help', async () => {
  expect((await krun()).out).toBe((await krun('--help')).out);
});

test.each([
  'up',
  'down',
  'start',
  'stop',
  'restart',
  'kill',
  'rm',
  'ps',
  'ls',
  'logs',
  'port',
  'plan',
  'config',
  'validate',
  'wait',
  'events',
  'exec',
  'run',
  'attach',
  'shell',
  'console',
  'top',
  'stats',
  'inspect',
  'network',
  'init',
  'doctor',
  'completion',
  'version',
])('help of %s', async (command) => {
  const { code, out } = await krun(command, '--help');
  expect(code).toBe(EXIT.ok);
  expect(out).toMatchSnapshot();
});

test.each(['ls', 'inspect'])('help of network %s', async (command) => {
  const { code, out } = await krun('network', command, '--help');
  expect(code).toBe(EXIT.ok);
  expect(out).toMatchSnapshot();
});

test('a command that groups others prints its help on stderr', async () => {
  const { code, out, err } = await krun('network');
  expect({ code, out }).toEqual({ code: EXIT.usage, out: '' });
  expect(err).toBe((await krun('network', '--help')).out);
});

test('help never is wider than the terminal', async () => {
  const host = createTestHost();
  const narrow = createTestHost({ stdout: { ...host.stdout, columns: 60 } });
  await runCommandLine(['up', '--help'], narrow);
  const lines = host.out().split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  expect(lines.length).toBeGreaterThan(20);
});

test('the version comes from the build', async () => {
  expect((await krun('--version')).out).toBe('0.0.0-test\n');
  expect((await krun('version')).out).toBe('krun 0.0.0-test\n');
  expect((await krun('version', '--short')).out).toBe('0.0.0-test\n');
  expect(JSON.parse((await krun('version', '--format', 'json')).out)).toMatchObject({
    version: '0.0.0-test',
  });
});

test.each([
  [
    'an unknown command',
    ['upp'],
    "krun: unknown command 'upp'\n  hint: did you mean up?\nRun 'krun --help' for usage.\n",
  ],
  [
    'an unknown option',
    ['up', '--detatch'],
    "krun: unknown option '--detatch'\n  hint: did you mean --detach?\nRun 'krun up --help' for usage.\n",
  ],
  [
    'an unknown command of a group',
    ['network', 'create'],
    "krun: unknown command 'create'\nRun 'krun network --help' for usage.\n",
  ],
  [
    'a global option behind the command',
    ['ps', '-p', 'x'],
    "krun: unknown option '-p'\n  hint: -p stands before the command: krun -p ...\nRun 'krun ps --help' for usage.\n",
  ],
  [
    'options that exclude each other',
    ['up', '--force-recreate', '--no-recreate'],
    "krun: option '--force-recreate' cannot be used with option '--no-recreate'\nRun 'krun up --help' for usage.\n",
  ],
  [
    'attached-only options with -d',
    ['up', '-d', '--abort-on-exit'],
    "krun: option '-d, --detach' cannot be used with option '--abort-on-exit'\nRun 'krun up --help' for usage.\n",
  ],
  [
    'a choice that does not exist',
    ['--progress', 'fancy', 'ps'],
    "krun: option '--progress <mode>' argument 'fancy' is invalid. Allowed choices are auto, tty, plain, json, quiet.\nRun 'krun ps --help' for usage.\n",
  ],
  [
    'an argument that is no choice',
    ['completion', 'tcsh'],
    "krun: <shell> cannot be 'tcsh'. Allowed choices are bash, zsh, fish, powershell.\nRun 'krun completion --help' for usage.\n",
  ],
  [
    'a time that is none',
    ['logs', '--since', 'yesterday'],
    "krun: option '--since <time>' argument 'yesterday' is invalid. Give a time, such as 2026-01-31T08:00:00Z, or how long ago, such as 10m.\nRun 'krun logs --help' for usage.\n",
  ],
  [
    'a port that is none',
    ['port', 'web', '80/sctp'],
    "krun: <port> cannot be '80/sctp'. Give a port of the guest, such as 80 or 53/udp, or a port's name.\nRun 'krun port --help' for usage.\n",
  ],
  [
    'a broken regular expression',
    ['logs', '--grep', '('],
    "krun: option '--grep <regex>' argument '(' is invalid. Invalid regular expression: /(/u: Unterminated group.\nRun 'krun logs --help' for usage.\n",
  ],
  [
    'a signal that does not exist',
    ['kill', '-s', 'SIGFOO'],
    "krun: option '-s, --signal <signal>' argument 'SIGFOO' is invalid. Give one of SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGKILL, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGCONT, SIGWINCH.\nRun 'krun kill --help' for usage.\n",
  ],
])('%s is a usage error on stderr', async (_, argv, message) => {
  expect(await krun(...argv)).toEqual({ code: EXIT.usage, out: '', err: message });
});

test('an invalid variable of the environment is a usage error', async () => {
  const host = createTestHost({ env: { KRUN_PROGRESS: 'fancy' } });
  expect(await runCommandLine(['version'], host)).toBe(EXIT.usage);
  expect(host.err()).toBe(
    'krun: KRUN_PROGRESS=fancy in the environment is not one of auto, tty, plain, json, quiet\n',
  );
});
