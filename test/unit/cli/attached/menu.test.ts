import { expect, test } from 'vitest';
import { endsAll, hasEndWishes } from '../../../../src/cli/attached/end-rule.ts';
import { menuLine, type MenuLevel, pressKey } from '../../../../src/cli/attached/menu.ts';

const MACHINES = ['db', 'web'];

/** What the last of some keys does, one pressed after the other. */
function press(keys: string, machines: readonly string[] = MACHINES): ReturnType<typeof pressKey> {
  let step: ReturnType<typeof pressKey> = { level: 'main' };
  for (const key of keys) step = pressKey(step.level, key, machines);
  return step;
}

test('keys do what the line says, others do nothing', () => {
  expect(press('d').command).toEqual({ type: 'detach' });
  expect(press('w').command).toEqual({ type: 'watch' });
  expect(press('?').command).toEqual({ type: 'help' });
  expect(press('\r').command).toEqual({ type: 'line' });
  expect(press('x')).toEqual({ level: 'main' });
});

test('restart and logs ask which machine, unless there is only one to start again', () => {
  expect(press('r')).toEqual({ level: 'restart' });
  expect(press('r2')).toEqual({ level: 'main', command: { type: 'restart', machines: ['web'] } });
  expect(press('l0')).toEqual({ level: 'main', command: { type: 'logs', machines: MACHINES } });
  expect(press('l3')).toEqual({ level: 'main' });
  expect(press('r', ['web']).command).toEqual({ type: 'restart', machines: ['web'] });
});

test('Ctrl-C is one everywhere', () => {
  expect(press('\u0003').command).toEqual({ type: 'interrupt' });
  expect(press('l\u0003')).toEqual({ level: 'main', command: { type: 'interrupt' } });
});

test('the line tells the keys and what is on', () => {
  const line = (level: MenuLevel, isWatching: boolean, shown = MACHINES): string =>
    menuLine({ level, machines: MACHINES, shown, isWatching });
  expect(line('main', false)).toBe('d detach   w watch: off   r restart   l logs: all   ? help');
  expect(line('main', true, ['web'])).toBe('d detach   w watch: on   r restart   l logs: web   ? help');
  expect(line('restart', true)).toBe('restart: 0 all   1 db   2 web');
  expect(line('logs', true)).toBe('logs of: 0 all   1 db   2 web');
});

test('which end is the end of all', () => {
  const since = '2026-01-01T00:00:00.000Z';
  const exited = (code: number) => ({ status: 'exited', run: 1, since, exit: { code } }) as const;
  const web = { name: 'web', isTask: false };
  expect(hasEndWishes({})).toBe(false);
  expect(endsAll({}, web, exited(1))).toBe(false);
  expect(endsAll({ abortOnExit: true }, web, exited(0))).toBe(true);
  expect(endsAll({ abortOnExit: true }, { ...web, isTask: true }, exited(0))).toBe(false);
  expect(endsAll({ abortOnFailure: true }, web, exited(0))).toBe(false);
  expect(endsAll({ abortOnFailure: true }, web, { status: 'failed', run: 1, since, reason: 'x' })).toBe(true);
  expect(endsAll({ exitCodeFrom: 'web' }, { ...web, isTask: true }, exited(0))).toBe(true);
  expect(endsAll({ abortOnExit: true }, web, { status: 'running', run: 1, since })).toBe(false);
});
