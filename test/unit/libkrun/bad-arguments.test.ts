import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Argument } from '../../../src/vm/calls.ts';
import { openPty, type Pty } from '../../../src/host/pty.ts';
import { checkArguments } from '../../../src/libkrun/arguments.ts';
import { availability } from '../../../src/libkrun/availability.ts';
import { ArgumentError, LibkrunError } from '../../../src/libkrun/errors.ts';
import { stubLibkrun } from '../../../src/libkrun/stub.ts';
import { BAD_VALUES, badCalls, type BadCall } from './bad-values.ts';
import { callMethod, goodArguments, methodCases, type CaseFiles } from './methods.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'krun-bad-'));
let files: CaseFiles;
let pty: Pty;

beforeAll(() => {
  const file = path.join(directory, 'file');
  writeFileSync(file, 'x');
  pty = openPty(24, 80);
  files = { file, fds: [openSync(file, 'r+'), openSync(file, 'r+')], tty: pty.slave };
});
afterAll(() => {
  for (const fd of files.fds) closeSync(fd);
  rmSync(directory, { recursive: true });
});

function outcome({ method, options }: BadCall): unknown {
  const { of, method: name, variants } = availability[method.name];
  const library = stubLibkrun({ variant: variants.includes('generic') ? 'generic' : 'sev' });
  const context = library.createContext();
  method.before?.(context);
  try {
    callMethod({ library, context }, of, name, options);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('bad arguments', () => {
  it('end in errors of this module, from every method and with every value', () => {
    const calls = badCalls(files);
    const wrong = calls.flatMap((call) => {
      const error = outcome(call);
      const isRight = call.isAlwaysBad ? error instanceof ArgumentError : isTyped(error);
      return isRight ? [] : [`${call.method.name} ${call.title}: ${String(error)}`];
    });
    expect(wrong).toEqual([]);
    expect(calls.length).toBeGreaterThan(3000);
  });

  it('are refused for every parameter of every function too, before anything is called', () => {
    let count = 0;
    const wrong: string[] = [];
    for (const { name } of methodCases(files)) {
      const good = goodArguments(name, files);
      for (const [index] of good.entries()) {
        for (const { title, value } of BAD_VALUES.filter(({ isAlwaysBad }) => isAlwaysBad)) {
          const args = good.with(index, value as Argument);
          count += 1;
          try {
            checkArguments(name, args);
            // What C can take here: null for some texts, -1 for files, any text or list of texts.
            if (!isPassable(value)) wrong.push(`${name} argument ${index + 1}: ${title}`);
          } catch (error) {
            if (!(error instanceof ArgumentError))
              wrong.push(`${name} argument ${index + 1}: ${String(error)}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(3000);
  });
});

function isTyped(error: unknown): boolean {
  return error === undefined || error instanceof LibkrunError;
}

function isPassable(value: unknown): boolean {
  const isText = typeof value === 'string' && !value.includes('\0') && !value.includes('\uD83D');
  return value === null || value === -1 || isText || typeof value === 'bigint';
}
