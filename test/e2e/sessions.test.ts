import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { openSession } from '../../src/session/client.ts';
import { machineLayout, projectLayout } from '../../src/store/layout.ts';
import { makeTree, summary } from '../rig/support/odd-tree.ts';
import type { Rig } from '../rig/support/rig.ts';
import { guestRuns } from '../rig/support/guest-runs.ts';
import { TestTerminal, tmux } from '../rig/support/tmux.ts';
import { busybox, bytesOf, createGuests, literal } from './support/guest-tools.ts';
import { ps } from './support/machines.ts';

const run = promisify(execFile);

/** Everything that shells, YAML and kernels' command lines have to say about. */
const MANY = Object.fromEntries(
  Array.from({ length: 300 }, (_, index) => [
    `V${index}`,
    `${index} it's "quoted" \`twice\` $HOME \\ é\nnext = ${index}`,
  ]),
);

const WEB = busybox('env -0 >/tmp/own; echo ready; while read -r line; do echo "got $line"; done', {
  shares: ['./src:/src'],
  environment: Object.fromEntries(Object.entries(MANY).map(([name, value]) => [name, literal(value)])),
  secrets: [{ source: 'token', uid: 1000, gid: 100, mode: '0440' }],
  stdin_open: true,
});
const CONFIG = { machines: { web: WEB }, secrets: { token: { file: './token.txt' } } };
const FILES = { 'token.txt': 'a secret\n', 'src/deep/file': 'shared\n' };

/** The variables among those of {@link MANY} that `env -0` shows. */
function shownOf(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\0').map((line) => /^(V\d+)=([^]*)$/.exec(line));
  return Object.fromEntries(lines.flatMap((match) => (match ? [[match[1] ?? '', match[2] ?? '']] : [])));
}

const jsonLines = (text: string): unknown[] =>
  text
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

describe('commands in a real guest', () => {
  test('have their input, output, exit code, variables, user, directory, secrets and neighbours', async (context) => {
    await using project = await createGuests(context, CONFIG, { files: FILES });
    await project.ok(['up', '-d']);

    const script = 'echo "$A|$(id -u):$(id -g)|$(pwd)|$(cat)"; echo err >&2; exit 7';
    const options = ['-e', `A=it's "1"`, '-u', 'app', '-w', '/src'];
    expect(
      await project.krun(['exec', ...options, 'web', 'sh', '-c', script], { input: 'from stdin' }),
    ).toMatchObject({ code: 7, stdout: `it's "1"|1234:567|/src|from stdin\n`, stderr: 'err\n' });
    expect(await project.krun(['exec', 'web', 'no-such-command'])).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('no-such-command'),
    });

    expect(shownOf(await project.ok(['exec', 'web', 'cat', '/tmp/own']))).toEqual(MANY);
    expect(shownOf(await project.ok(['exec', 'web', 'env', '-0']))).toEqual(MANY);
    const look = 'cd /run/secrets; stat -c "%a %u:%g" token; cat token; stat -f -c %T .';
    expect(await project.ok(['exec', 'web', 'sh', '-c', look])).toMatch(/^440 1000:100\na secret\ntmpfs\n$/);
    expect(await project.ok(['shell', '-T', 'web', 'sh', '-c', 'pwd; cat file'], { cwd: 'src/deep' })).toBe(
      '/src/deep\nshared\n',
    );

    const sleeper = project.spawn(['exec', 'web', 'sh', '-c', 'echo up; exec sleep 4711']);
    await sleeper.waitForOutput(/up/);
    expect(jsonLines(await project.ok(['top', '--format', 'json']))).toContainEqual(
      expect.objectContaining({ machine: 'web', command: 'sleep 4711' }),
    );
    sleeper.signal('SIGTERM');
    expect(await sleeper.result).toMatchObject({ code: 143 });
    const [stats] = jsonLines(await project.ok(['stats', '--no-stream', '--format', 'json']));
    expect(stats).toMatchObject({ name: 'web', guest: { load: expect.any(Number) } });
    const { guest } = stats as { readonly guest: { readonly memoryTotalBytes: number } };
    expect(guest.memoryTotalBytes / 1024 ** 2).toBeGreaterThan(180);
    expect(guest.memoryTotalBytes / 1024 ** 2).toBeLessThan(300);

    const attached = project.spawn(['attach', '--no-sig-proxy', 'web'], { input: 'hello\n' });
    await attached.waitForOutput(/got hello/);
    attached.signal('SIGTERM');
    await attached.result;
    expect(await project.ok(['logs', '--no-log-prefix'])).toBe('ready\ngot hello\n');
  });

  test('carry twenty times 1 MB at once, both ways, byte for byte', async (context) => {
    await using project = await createGuests(context, CONFIG, { files: FILES });
    await project.ok(['up', '-d']);
    const layout = projectLayout(project.directory, undefined, project.env, process.getuid?.() ?? 0);
    const { controlSocket } = machineLayout(layout, 'web');
    const request = { command: ['cat'], environment: {}, stdin: true };
    // One client for all of them: twenty starts of Node take the emulated processor for half a minute.
    const same = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const opened = await openSession(controlSocket, request, { answerMs: 60_000 });
        if (!opened.ok) return opened.error.message;
        const { stdin, stdout, stderr, end } = opened.value;
        const input = randomBytes(1024 * 1024);
        stdin.end(input);
        stderr.resume();
        const [output, { exitCode }] = await Promise.all([buffer(stdout), end]);
        return exitCode === 0 && output.equals(input);
      }),
    );
    expect(same).toEqual(Array.from({ length: 20 }, () => true));
    const inputs = Array.from({ length: 3 }, () => randomBytes(1024 * 1024));
    const ended = await Promise.all(inputs.map((input) => bytesOf(project, ['exec', 'web', 'cat'], input)));
    expect(ended.map(({ code, output }, index) => [code, inputs[index]?.equals(output)])).toEqual(
      inputs.map(() => [0, true]),
    );
  });

  test.skipIf(!tmux)('have terminals with a size that follows, keys and job control', async (context) => {
    await using project = await createGuests(context, CONFIG, { files: FILES });
    await project.ok(['up', '-d']);
    await using terminal = await TestTerminal.open(project);
    await terminal.line("krun exec -e PS1='guest> ' web sh");
    await terminal.shows(/^guest> ?$/m);
    await terminal.line('tty; stty size');
    expect(await terminal.shows(/^24 80$/m)).toMatch(/^\/dev\/(hvc|pts\/)\d+$/m);

    await terminal.line('sleep 1000; echo "after $?"');
    await guestRuns(project, 'sleep 1000');
    await terminal.keys('C-c');
    await terminal.shows(/guest> ?$/);
    await terminal.line('echo "was $?"');
    await terminal.shows(/^was 130$/m);
    await terminal.line('sleep 999');
    await guestRuns(project, 'sleep 999');
    await terminal.keys('C-z');
    await terminal.shows(/Stopped.*sleep 999/i);
    await terminal.line('fg; echo "then $?"');
    await guestRuns(project, 'sleep 999');
    await terminal.keys('C-c');
    await terminal.shows(/\^C[^]*guest> ?$/);
    await terminal.line('jobs; echo "jobs $?"');
    await terminal.shows(/^jobs 0$/m);

    await terminal.line('seq 1 100 >/tmp/text; vi /tmp/text');
    await terminal.shows(/^23$/m);
    expect(await terminal.screen()).not.toMatch(/^30$/m);
    await terminal.resize(100, 40);
    await terminal.shows(/^38$/m);
    await terminal.keys('G');
    await terminal.shows(/^100$/m);
    await terminal.line(':q!');
    await terminal.line('clear; stty size; exit 5');
    await terminal.shows(/^40 100\n[^]*host>$/m);
    await terminal.line('echo "code $?"');
    await terminal.shows(/^code 5$/m);
  });

  test('take a tree of 2,000 files with odd names and give it back, and run beside in machines of their own', async (context) => {
    await using project = await createGuests(context, CONFIG, { files: FILES });
    await project.ok(['up', '-d']);
    const source = path.join(project.directory, 'tree');
    makeTree(source);
    await project.ok(['cp', '-q', './tree', 'web:/tmp/tree']);
    expect(await guestSums(project)).toBe(await hostSums(source));
    await project.ok(['cp', '-q', 'web:/tmp/tree/.', 'back']);
    // busybox tar does not keep the times of directories and links.
    const withoutTimes = (line: string): string => line.replace(/( (?:4\d{4}|120777) \d+) \d+/, '$1');
    expect(summary(path.join(project.directory, 'back')).map(withoutTimes)).toEqual(
      summary(source).map(withoutTimes),
    );
    await mkdir(path.join(project.directory, 'single'));
    await project.ok(['cp', '-q', 'web:/src/deep/file', 'single']);
    expect(await project.read('single/file')).toBe('shared\n');

    const script = 'read -r line; echo "got $line in $(pwd)"; cat /run/secrets/token; exit 4';
    const once = await project.krun(['run', '--rm', '-w', '/src', 'web', 'sh', '-c', script], {
      input: 'this\n',
    });
    expect(once).toMatchObject({ code: 4, stdout: 'got this in /src\na secret\n' });
    expect(Object.keys(await ps(project))).toEqual(['web']);
  });
});

/** One checksum for the names and contents of all files of a tree. Other tools than busybox quote odd names. */
const SUMS = 'find . -type f -exec busybox sha256sum {} + | LC_ALL=C busybox sort | busybox sha256sum';

function guestSums(project: Rig): Promise<string> {
  return project.ok(['exec', '-w', '/tmp/tree', 'web', 'sh', '-c', SUMS]);
}

async function hostSums(directory: string): Promise<string> {
  return (await run('sh', ['-c', SUMS], { cwd: directory })).stdout;
}
