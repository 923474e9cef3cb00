import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openPty } from '../../../src/host/pty.ts';
import { availability } from '../../../src/libkrun/availability.ts';
import { LibkrunError } from '../../../src/libkrun/errors.ts';
import { openLibkrun } from '../../../src/libkrun/ffi.ts';
import { loadLibkrun } from '../../../src/libkrun/load.ts';
import type { LoadedLibkrun } from '../../../src/libkrun/loaded.ts';
import type { Argument } from '../../../src/vm/calls.ts';
import type { LibkrunFunction } from '../../../src/vm/functions.ts';
import { BAD_VALUES, badCalls } from '../../unit/libkrun/bad-values.ts';
import {
  callMethod,
  goodArguments,
  methodCases,
  type CaseFiles,
  type MethodCase,
} from '../../unit/libkrun/methods.ts';

// `node libkrun-sweep.mjs [FUNCTION]`: calls one method of the real libkrun, or each, with good options and with every
// bad one. `{"call": …}` is written before each call and `{"outcome": …}` after it, so that who reads knows on which
// call the process died. Nothing is started.

const directory = mkdtempSync(path.join(os.tmpdir(), 'krun-sweep-'));
const file = path.join(directory, 'file');
writeFileSync(file, 'x');

const library = loadLibkrun();
if (library.path === undefined) throw new Error('the library has no path');
const native = openLibkrun({ libkrun: library.path });
const wanted = process.argv[2];
for (const name of methodCases(openFiles()).map((method) => method.name))
  if (wanted === undefined || wanted === name) {
    sweep(name);
    sweepArguments(name);
  }
if (wanted === undefined) sweepStart();
rmSync(directory, { recursive: true });

/** libkrun takes files over, so each method has its own. */
function openFiles(): CaseFiles {
  return { file, fds: [openSync(file, 'r+'), openSync(file, 'r+')], tty: openPty(24, 80).slave };
}

function sweep(name: LibkrunFunction): void {
  const files = openFiles();
  const calls = badCalls(files).filter(({ method }) => method.name === name);
  for (const call of calls) attempt(call.method, call.title, call.options);
  const method = methodCases(files).find((entry) => entry.name === name);
  // A start with good options would be one.
  if (method && name !== 'krun_start_enter') attempt(method, 'good options', method.good);
  if (files.tty !== undefined) closeSync(files.tty);
}

function attempt(method: MethodCase, title: string, options: unknown): void {
  write({ call: `${method.name} ${title}` });
  write({ outcome: outcome(library, method, options) });
}

function outcome(on: LoadedLibkrun, method: MethodCase, options: unknown): string {
  return outcomeOf(() => {
    const context = on.createContext();
    if (on.supports(method.name)) method.before?.(context);
    const { of, method: name } = availability[method.name];
    callMethod({ library: on, context }, of, name, options);
  });
}

/** The same function below the methods, where arguments are positional and options have not been read. */
function sweepArguments(name: LibkrunFunction): void {
  if (name === 'krun_start_enter' || !native.has(name)) return;
  const files = openFiles();
  const good = goodArguments(name, files);
  for (const index of good.keys()) {
    for (const { title, value } of BAD_VALUES) {
      write({ call: `${name} argument ${index + 1}: ${title}` });
      write({ outcome: outcomeOf(() => native.call(name, good.with(index, value as Argument))) });
    }
  }
  if (files.tty !== undefined) closeSync(files.tty);
}

function outcomeOf(action: () => unknown): string {
  try {
    action();
    return 'done';
  } catch (error) {
    return error instanceof LibkrunError ? error.name : `untyped: ${String(error)}`;
  }
}

/** What libkrun would abort on in a start, and a context that there is none of. */
function sweepStart(): void {
  const cases: readonly (readonly [string, () => Promise<never>])[] = [
    [
      'with a console without ports',
      () => {
        const context = library.createContext();
        context.addVirtioConsoleMultiport();
        return context.startEnter();
      },
    ],
    [
      'with too little memory',
      () => {
        const context = library.createContext();
        context.setVmConfig({ vcpus: 1, memoryMiB: 32 });
        return context.startEnter();
      },
    ],
    [
      'of a context that was freed',
      () => {
        const context = library.createContext();
        context.free();
        return context.startEnter();
      },
    ],
  ];
  void cases.reduce(async (before, [title, start]) => {
    await before;
    write({ call: `krun_start_enter ${title}` });
    await start().catch((error: unknown) => {
      write({ outcome: error instanceof LibkrunError ? error.name : `untyped: ${String(error)}` });
    });
  }, Promise.resolve());
}

function write(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
