import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createCliRig, machine, SERVICE } from './cli-project.ts';
import { guestRuns } from './support/guest-runs.ts';
import type { Rig } from './support/rig.ts';
import { TestTerminal, tmux } from './support/tmux.ts';

async function createRunning(): Promise<Rig> {
  const rig = await createCliRig(machine('web', SERVICE));
  await rig.ok(['up', '-d']);
  return rig;
}

/** Opens a shell in the guest. */
async function enter(terminal: TestTerminal, options = ''): Promise<void> {
  await terminal.line(`krun exec ${options} -e PS1='guest> ' web sh`);
  await terminal.shows(/guest>$/);
}

test.skipIf(!tmux)('a command in a terminal has one of the same size, which follows', async () => {
  await using rig = await createRunning();
  await using terminal = await TestTerminal.open(rig);
  await enter(terminal);
  await terminal.line('tty; stty size; echo "$TERM"');
  expect(await terminal.shows(/^(screen|tmux)/m)).toMatch(/^24 80$/m);
  await terminal.line('exit');
  await terminal.shows(/^host>$/m);
  const trap = "trap 'echo now $(stty size)' WINCH; echo ready; while :; do sleep 0.1; done\n";
  await terminal.line(`krun exec web sh ${await rig.write('trap.sh', trap)}`);
  await terminal.shows(/^ready$/m);
  await terminal.resize(100, 30);
  await terminal.shows(/^now 30 100$/m);
  await terminal.resize(60, 10);
  await terminal.shows(/^now 10 60$/m);
});

test.skipIf(!tmux)('Ctrl-C ends the guest’s command, and Ctrl-Z and fg are its shell’s', async () => {
  await using rig = await createRunning();
  await using terminal = await TestTerminal.open(rig);
  await enter(terminal);
  await terminal.line('sleep 1000; echo "after $?"');
  await guestRuns(rig, 'sleep 1000');
  await terminal.keys('C-c');
  await terminal.shows(/guest>$/);
  await terminal.line('echo "was $?"');
  await terminal.shows(/^was 130$/m);
  await terminal.line('sleep 999');
  await guestRuns(rig, 'sleep 999');
  await terminal.keys('C-z');
  await terminal.shows(/(Stopped|suspended).*sleep 999/i);
  await terminal.line('fg');
  await guestRuns(rig, 'sleep 999');
  await terminal.keys('C-c');
  await terminal.shows(/guest>$/);
  await terminal.line('echo "then $?"');
  await terminal.shows(/^then 130$/m);
});

test.skipIf(!tmux)('the exit code comes back, and the terminal is as it was', async () => {
  await using rig = await createRunning();
  await using terminal = await TestTerminal.open(rig);
  await terminal.line('stty -g >before');
  await enter(terminal);
  await terminal.line('exit 5');
  await terminal.shows(/^host>$/m);
  await terminal.line('echo "code $?"; stty -g | cmp - before && echo same');
  await terminal.shows(/^code 5\nsame$/m);
});

test.skipIf(!tmux)('the terminal is as it was after SIGTERM, and after the end of the machine', async () => {
  await using rig = await createRunning();
  await using terminal = await TestTerminal.open(rig);
  await terminal.line('stty -g >before');
  await enter(terminal);
  const krun = (await rig.leftovers()).find(({ command }) => command.includes('krun exec '));
  if (!krun) throw new Error('there is no krun');
  process.kill(krun.pid, 'SIGTERM');
  await terminal.shows(/host>$/);
  await terminal.line('echo "code $?"; stty -g | cmp - before && echo same');
  await terminal.shows(/^code 143\nsame$/m);
  await terminal.clear();
  await enter(terminal);
  await rig.ok(['kill', 'web']);
  await terminal.shows(/^krun: web: [^]*\nhost>$/m);
  await terminal.line('echo "code $?"; stty -g | cmp - before && echo same');
  await terminal.shows(/^code 125\nsame$/m);
});

test.skipIf(!tmux)('the detach keys leave the terminal, the usual ones and others', async () => {
  await using rig = await createRunning();
  await using terminal = await TestTerminal.open(rig);
  await enter(terminal);
  await terminal.keys('C-p', 'C-q');
  await terminal.shows(/^detached from web\nhost>$/m);
  await terminal.clear();
  await enter(terminal, '--detach-keys ctrl-x,d');
  await terminal.keys('C-x', 'd');
  await terminal.shows(/^detached from web\nhost>$/m);
});

test.skipIf(!tmux)('with output into a file there is no terminal, and errors still show', async () => {
  await using rig = await createRunning();
  await using terminal = await TestTerminal.open(rig);
  await terminal.line("krun exec web sh -c 'tty; echo shown >&2' >out; cat out");
  expect(await terminal.shows(/^not a tty$/m)).toMatch(/^shown$/m);
  await terminal.clear();
  await terminal.line('krun exec -T web tty');
  await terminal.shows(/^not a tty$/m);
});

test.skipIf(!tmux)(
  'a program that draws on the whole screen draws again after each change of size',
  async () => {
    await using rig = await createRunning();
    await using terminal = await TestTerminal.open(rig);
    await rig.write('text', Array.from({ length: 100 }, (_, line) => `line ${line}\n`).join(''));
    await terminal.line(`krun exec web less -S ${rig.directory}/text`);
    await terminal.shows(/^line 22$/m);
    expect(await terminal.screen()).not.toMatch(/^line 30$/m);
    await terminal.resize(80, 40);
    await terminal.shows(/^line 38$/m);
    await terminal.keys('G');
    await terminal.shows(/^line 99$/m);
    await terminal.keys('q');
    await terminal.shows(/host>$/);
  },
);

test.skipIf(!tmux)(
  'run has a terminal too; one that is left by its keys goes on until its command ends',
  async () => {
    await using rig = await createRunning();
    await using terminal = await TestTerminal.open(rig);
    const go = await rig.write('go', '');
    await terminal.line(
      `krun run --name once web sh -c 'stty size; while [ -e ${go} ]; do sleep 0.1; done; exit 6'`,
    );
    await terminal.shows(/^24 80$/m);
    await terminal.keys('C-p', 'C-q');
    await terminal.shows(/^detached from once\nhost>$/m);
    expect(await rig.ok(['ps', '-q'])).toBe('once\nweb\n');
    await rm(go);
    expect((await rig.krun(['wait', 'once'])).code).toBe(6);
  },
);

test.skipIf(!tmux)('attach shares the terminal of a machine’s own command', async () => {
  await using rig = await createCliRig(machine('web', "echo early; PS1='own> ' exec sh -i", { tty: 'true' }));
  await rig.ok(['up', '-d']);
  await using terminal = await TestTerminal.open(rig);
  await terminal.line('krun attach web');
  await terminal.keys('Enter');
  // Its first prompt may come behind the attaching, on the same line.
  await terminal.shows(/own>$/);
  await terminal.line('stty size; tty');
  await terminal.shows(/^24 80$/m);
  await terminal.resize(100, 30);
  await terminal.line('sleep 1000');
  await guestRuns(rig, 'sleep 1000');
  await terminal.keys('C-c');
  await terminal.shows(/own>$/);
  // The size goes another way than what is typed.
  await expect
    .poll(async () => {
      await terminal.line('stty size');
      return terminal.screen();
    })
    .toMatch(/^30 100$/m);
  await terminal.keys('C-p', 'C-q');
  await terminal.shows(/^detached from web\nhost>$/m);
  await terminal.clear();
  await terminal.line('krun attach web');
  await terminal.keys('Enter');
  await terminal.shows(/own>$/);
  await terminal.line('exit 4');
  await terminal.shows(/\nhost>$/);
  await terminal.line('echo "code $?"');
  await terminal.shows(/^code 4$/m);
  expect(await rig.ok(['logs', 'web'])).toContain('early');
});

test.skipIf(!tmux)('stats draws over itself', async () => {
  await using rig = await createRunning();
  await using terminal = await TestTerminal.open(rig);
  await terminal.line('krun stats');
  const first = await terminal.shows(/^web .*%/m);
  // A screen may be looked at while it is drawn.
  await expect
    .poll(async () => {
      const screen = await terminal.screen();
      return screen === first ? 'the first' : screen.match(/^(NAME|web )/gm);
    })
    .toEqual(['NAME', 'web ']);
  await terminal.keys('C-c');
  await terminal.shows(/host>$/);
});
