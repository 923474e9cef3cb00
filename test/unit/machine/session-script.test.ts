import { describe, expect, it } from 'vitest';
import { sessionHeader, sessionScript } from '../../../src/machine/session-script.ts';
import { SessionInput } from '../../../src/machine/session-input.ts';
import { parseSessionRequest } from '../../../src/machine/session-request.ts';
import { bootstrapGuest } from './specs.ts';

const plain = { command: ['ls', '-l', "it's"], environment: {}, stdin: false };

describe('the script of a session', () => {
  it('becomes the command in the directory of the machine', () => {
    expect(sessionScript(bootstrapGuest({ workingDir: '/app' }), plain)).toBe(
      [
        'krun_need cat',
        'krun_environment',
        "krun_cd '/app'",
        "krun_find 'ls'",
        "krun_exec 'ls' '-l' 'it'\\''s'",
      ].join('\n'),
    );
  });

  it('has user, variables, terminal and directory of the request, and those of the machine', () => {
    const guest = bootstrapGuest({ user: 'app', environment: { A: '1', 'b.c': '2', 'd-e': '3' } });
    const request = {
      ...plain,
      command: ['sh'],
      stdin: true,
      environment: { B: 'x y', 'd-e': '4' },
      workingDir: '/tmp',
      terminal: { rows: 1, columns: 2, term: 'xterm' },
    };
    expect(sessionScript(guest, request)).toBe(
      [
        'krun_need cat',
        "krun_user 'app'",
        'krun_environment',
        "export TERM='xterm'",
        "export B='x y'",
        "krun_cd '/tmp'",
        "krun_find 'sh'",
        'krun_need env',
        "krun_exec env 'b.c=2' 'd-e=4' 'sh'",
      ].join('\n'),
    );
    expect(sessionScript(guest, { ...plain, stdin: true, user: '7:8' })).toMatch(
      /^krun_need cat\nkrun_need dd\nkrun_user '7:8'\n/,
    );
  });

  it('is announced with its length in bytes', () => {
    expect(sessionHeader("echo 'é'", { serial: 3, mark: 'm1', mode: 'terminal 20001 24 80' })).toBe(
      "15 3 m1 terminal 20001 24 80\necho 'é'\n# m1\n",
    );
  });
});

describe('input of a session', () => {
  function input(mode: 'none' | 'input' | 'terminal'): {
    readonly it: SessionInput;
    readonly written: string[];
    readonly taken: number[];
    /** Says that the guest has taken what was written last. */
    readonly go: () => void;
  } {
    const written: string[] = [];
    const taken: number[] = [];
    let done = (): void => undefined;
    const target = {
      write: (bytes: Buffer, callback: () => void): void => {
        written.push(bytes.toString());
        done = callback;
      },
    };
    return {
      it: new SessionInput(mode, target, (bytes) => taken.push(bytes)),
      written,
      taken,
      go: () => done(),
    };
  }

  it('waits for the command, goes in frames, and what waits goes as one', () => {
    const { it: stream, written, taken, go } = input('input');
    stream.push(Buffer.from('ab'));
    expect(written).toEqual([]);
    stream.open();
    stream.push(Buffer.from('c'));
    stream.push(Buffer.from('de'));
    expect(written).toEqual(['2\nab']);
    go();
    expect([written, taken]).toEqual([['2\nab', '3\ncde'], [2]]);
    stream.end();
    go();
    expect([written, taken]).toEqual([
      ['2\nab', '3\ncde', '0\n'],
      [2, 3],
    ]);
  });

  it('ends with the command, and the rest is dropped and counted', () => {
    const { it: stream, written, taken, go } = input('input');
    stream.open();
    stream.push(Buffer.from('ab'));
    stream.push(Buffer.from('cdef'));
    stream.close();
    expect(taken).toEqual([4]);
    go();
    stream.push(Buffer.from('late'));
    stream.end();
    expect([written, taken]).toEqual([
      ['2\nab', '0\n'],
      [4, 2, 4],
    ]);
  });

  it('of a terminal is as it is and has no end; where there is none, nothing is written', () => {
    const terminal = input('terminal');
    terminal.it.open();
    terminal.it.push(Buffer.from('ls\r'));
    terminal.go();
    terminal.it.end();
    terminal.it.close();
    expect(terminal.written).toEqual(['ls\r']);
    const none = input('none');
    none.it.open();
    none.it.push(Buffer.from('x'));
    none.it.close();
    expect([none.written, none.taken]).toEqual([[], [1]]);
  });
});

describe('a request for a session', () => {
  it.each([
    ['not JSON', '{', 'the request is not JSON'],
    ['null', 'null', 'the command must be words without NUL'],
    ['a list', '[]', 'the command must be words without NUL'],
    ['a number among the words', '{"command":["a",1]}', 'the command must be words without NUL'],
    ['no environment', '{"command":["a"]}', 'the environment must be an object'],
    [
      'a terminal without type',
      '{"command":["a"],"environment":{},"terminal":{"rows":1,"columns":1}}',
      'the terminal has no type',
    ],
    ['an empty user', '{"command":["a"],"environment":{},"user":""}', 'the user must be a name or a number'],
    [
      'an attachment of no size',
      '{"attach":true,"terminal":{"rows":"1"}}',
      'the size of the terminal is none',
    ],
  ])('that is %s is refused', (_, text, problem) => {
    expect(parseSessionRequest(text)).toEqual({ problem });
  });

  it('that is whole is taken as it is', () => {
    const request = { command: ['a'], environment: { A: '' }, stdin: false, workingDir: '/', user: '0' };
    expect(parseSessionRequest(JSON.stringify(request))).toEqual(request);
    expect(parseSessionRequest('{"attach":true}')).toEqual({ attach: true });
  });
});
