import { expect, test } from 'vitest';
import { createCliRig, machine, SERVICE } from './cli-project.ts';
import type { Rig } from './support/rig.ts';
import { TestTerminal, tmux } from './support/tmux.ts';

const WATCHED = { develop: '{ watch: [{ path: ./src, action: restart }] }' };

function createTwo(): Promise<Rig> {
  const machines = machine('db', SERVICE) + machine('web', SERVICE, WATCHED);
  return createCliRig(machines, { files: { 'src/a': '1' } });
}

test.skipIf(!tmux)(
  'keys watch, start again, choose logs and detach; the line stays at the bottom',
  async () => {
    await using rig = await createTwo();
    await using terminal = await TestTerminal.open(rig);
    await terminal.line('krun up');
    expect(await terminal.shows(/web \| ready[^]*^d detach .*$/m)).toMatch(/ \? help$/);
    await terminal.keys('w');
    await terminal.shows(/^watching 1 rule[^]*watch: on/m);
    await rig.write('src/a', '22');
    await terminal.shows(/^web {2}restart: a changed, /m);
    await terminal.keys('r');
    await terminal.shows(/^restart: 0 all {3}1 db {3}2 web$/m);
    await terminal.keys('1');
    await terminal.shows(/^db +started$[^]*^db +started$/m);
    await terminal.keys('l');
    await terminal.shows(/^logs of: 0 all/m);
    await terminal.keys('2');
    await terminal.shows(/l logs: web/);
    await terminal.keys('?');
    await terminal.shows(/^Ctrl-C {2}stop the machines/m);
    await terminal.keys('d');
    const screen = await terminal.shows(/^detached: the machines run on .*\nhost>$/m);
    // The line was redrawn for each of the lines above, and none of it is left among them.
    expect(screen).not.toMatch(/d detach/);
    expect(await rig.ok(['ps', '-q'])).toBe('db\nweb\n');
    // Echo and line editing are back.
    await terminal.line('echo typed');
    await terminal.shows(/^host> echo typed\ntyped$/m);
  },
);

test.skipIf(!tmux)('Ctrl-C stops, Ctrl-Z and fg come back to the line, --no-menu has none', async () => {
  await using rig = await createTwo();
  await using terminal = await TestTerminal.open(rig);
  await terminal.line('krun up');
  await terminal.shows(/web \| ready[^]*^d detach/m);
  await terminal.keys('C-z');
  await terminal.shows(/(Stopped|suspended)[^]*host>$/i);
  await terminal.line('echo in between');
  await terminal.shows(/^in between$/m);
  await terminal.clear();
  await terminal.line('fg');
  await terminal.shows(/^d detach .*$/m);
  await terminal.resize(40, 24);
  await terminal.keys('?');
  await terminal.shows(/^d detach {3}w watch: off {3}r restart {3}l$/m);
  await terminal.resize(100, 24);
  await terminal.keys('C-c');
  await terminal.shows(/^stopping \(Ctrl-C again kills\)$[^]*^web {2}stopped$[^]*host>$/m);
  expect(await rig.ok(['ps', '-q'])).toBe('');
  await terminal.line('krun up --no-menu');
  const screen = await terminal.shows(/no-menu[^]*web \| ready/);
  expect(screen.slice(screen.indexOf('no-menu'))).not.toMatch(/detach/);
  await terminal.keys('C-c');
  await terminal.shows(/stopping[^]*host>$/);
});
