import { expect, test } from 'vitest';
import type { Context, Host } from '../../../../src/cli/context.ts';
import { resolveGlobalOptions, type GlobalOptions } from '../../../../src/cli/global-options.ts';
import { sessionWish, type SessionArgs } from '../../../../src/cli/guest/request.ts';
import { createTestHost } from '../host.ts';

/** What a command line asks a guest for, or what is told and the exit code. */
function wish(args: Partial<SessionArgs>, more: Partial<Host> = {}): unknown {
  const host = createTestHost({ env: { HOME: '/root', EMPTY: '', TERM: 'vt220' }, ...more });
  const context: Context = { ...host, global: resolveGlobalOptions({}, {}) as GlobalOptions };
  const result = sessionWish(context, { interactive: true, ...args });
  if (!result.ok) return `${result.error}: ${host.err()}`;
  return result.value.request;
}

const host = createTestHost();
const TERMINAL: Partial<Host> = {
  stdin: Object.assign(host.stdin, { isTTY: true }),
  stdout: {
    ...host.stdout,
    isTty: true,
    stream: Object.assign(host.stdout.stream, { rows: 50, columns: 120 }),
  },
};
const SCREEN = { rows: 50, columns: 120, term: 'vt220' };

test('without a terminal input is passed on and nothing else is asked for', () => {
  expect(wish({})).toEqual({ environment: {}, stdin: true });
  expect(wish({ interactive: false })).toEqual({ environment: {}, stdin: false });
});

test('with a terminal at both ends the command gets one of the same size', () => {
  expect(wish({}, TERMINAL)).toEqual({ environment: {}, stdin: true, terminal: SCREEN });
  expect(wish({ tty: false }, TERMINAL)).toEqual({ environment: {}, stdin: true });
  expect(wish({ interactive: false }, TERMINAL)).toEqual({ environment: {}, stdin: false });
  expect(wish({}, { stdin: TERMINAL.stdin! })).toEqual({ environment: {}, stdin: true });
});

test('-t asks for a terminal also where there is none', () => {
  expect(wish({ tty: true })).toEqual({
    environment: {},
    stdin: true,
    terminal: { rows: 24, columns: 80, term: 'vt220' },
  });
});

test('what is detached has neither input nor terminal', () => {
  expect(wish({ detach: true }, TERMINAL)).toEqual({ environment: {}, stdin: false, detached: true });
});

test('variables have their value, or that of krun, or are left out', () => {
  const env = ['A=1', 'B=x=y', 'HOME', 'EMPTY', 'UNSET', 'C='];
  expect(wish({ env })).toMatchObject({ environment: { A: '1', B: 'x=y', HOME: '/root', EMPTY: '', C: '' } });
});

test('the user and the directory are the guest’s', () => {
  expect(wish({ user: '1000:1000', workdir: '/srv' })).toMatchObject({
    user: '1000:1000',
    workingDir: '/srv',
  });
});

test.each([
  [{ env: ['=x'] }, '2: krun: -e =x has no name in front of the =\n'],
  [{ workdir: 'srv' }, "2: krun: -w srv is not a path from the guest's root\n  hint: write it as /srv\n"],
  [
    { detachKeys: 'ctrl-1' },
    '2: krun: --detach-keys: "ctrl-1" is no key: write a character, or ctrl- and one of a-z @ [ \\ ] ^ _\n',
  ],
])('%j is a usage error', (args, message) => {
  expect(wish(args)).toBe(message);
});
