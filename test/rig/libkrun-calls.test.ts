import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { capabilitiesOf, vm } from '../../src/builder/index.ts';
import { openPty } from '../../src/host/pty.ts';
import { availability } from '../../src/libkrun/availability.ts';
import { KrunError, LibkrunNotAvailable, OncePerProcess } from '../../src/libkrun/errors.ts';
import { loadLibkrun } from '../../src/libkrun/load.ts';
import type { LoadedLibkrun } from '../../src/libkrun/loaded.ts';
import type { LibraryVariant } from '../../src/libkrun/packages.ts';
import type { Argument } from '../../src/vm/calls.ts';
import { LIBKRUN_FUNCTIONS, type LibkrunFunction } from '../../src/vm/functions.ts';
import { callMethod, goodArguments, methodCases, type CaseFiles } from '../unit/libkrun/methods.ts';
import { compileRecorder } from './support/recording-libkrun.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'krun-calls-'));
const record = path.join(directory, 'record');
const paths = {} as Record<LibraryVariant, string>;
let files: CaseFiles;

beforeAll(() => {
  process.env['RECORD_KRUN'] = record;
  paths.generic = compileRecorder(directory, 'generic', 'libkrun.so.1.19.3');
  paths.sev = compileRecorder(directory, 'sev', 'libkrun-sev.so.1.19.3');
  paths.tdx = compileRecorder(directory, 'tdx', 'libkrun-tdx.so.1.19.3');
  paths.efi = compileRecorder(directory, 'efi', 'libkrun-efi.so.1.19.3');
  const file = path.join(directory, 'file');
  writeFileSync(file, 'x');
  files = { file, fds: [openSync(file, 'r+'), openSync(file, 'r+')], tty: openPty(24, 80).slave };
});
beforeEach(() => writeFileSync(record, ''));
afterAll(() => {
  for (const fd of files.fds) closeSync(fd);
  rmSync(directory, { recursive: true });
});

function recorded(): readonly string[] {
  return readFileSync(record, 'utf8').trimEnd().split('\n');
}

/** A call as the recording library writes it: what C was given, not what JavaScript gave. */
function inC(name: LibkrunFunction, args: readonly Argument[]): string {
  const { parameters } = LIBKRUN_FUNCTIONS[name];
  const hex = (bytes: Uint8Array): string => `<${Buffer.from(bytes).toString('hex')}>`;
  const texts = args.map((value, index) => {
    if (value instanceof Uint8Array) return hex(value);
    return parameters[index] === 'mac' ? `<${String(value).replaceAll(':', '')}>` : JSON.stringify(value);
  });
  return `${name}(${texts.join(', ')})`;
}

async function call(library: LoadedLibkrun, name: LibkrunFunction): Promise<unknown> {
  const method = methodCases(files).find((entry) => entry.name === name)!;
  const { of, method: methodName } = availability[name];
  const context = library.createContext();
  method.before?.(context);
  return await callMethod({ library, context }, of, methodName, method.good);
}

describe('libkrun, seen from the C side', () => {
  it('gets every argument of every function as it was given', async () => {
    for (const { name } of methodCases(files)) {
      const { variants } = availability[name];
      const library = loadLibkrun({ library: paths[variants.includes('generic') ? 'generic' : 'sev'] });
      if (name === 'krun_start_enter') await expect(call(library, name)).rejects.toThrow(KrunError);
      else if (name === 'krun_init_log') await expect(call(library, name)).rejects.toThrow(OncePerProcess);
      else await call(library, name);
      if (name !== 'krun_init_log') expect(recorded()).toContain(inC(name, goodArguments(name, files)));
    }
  });

  it('initialises the log of a library once, also for a second load of it', () => {
    const [first, second] = [loadLibkrun({ library: paths.efi }), loadLibkrun({ library: paths.efi })];
    first.initLog({ level: 'trace', style: 'always' });
    expect(recorded().at(-1)).toBe('krun_init_log(-1, 5, 1, 0)');
    expect(() => first.initLog({ level: 'error' })).toThrow(OncePerProcess);
    expect(() => second.setLogLevel({ level: 'error' })).toThrow(OncePerProcess);
    expect(recorded().filter((line) => /log/.test(line))).toHaveLength(1);
  });

  it('reads overlay files after the call, whatever became of the bytes', () => {
    const context = loadLibkrun({ library: paths.generic }).createContext();
    context.addVirtiofs({ tag: 'data', path: '/srv' });
    const data = new TextEncoder().encode('kept');
    context.fsAddOverlayFile({ tag: 'data', path: 'file', mode: 0o644, data });
    data.fill(0);
    structuredClone(data, { transfer: [data.buffer] });
    context.free();
    expect(recorded().at(-1)).toBe(`<${Buffer.from('kept').toString('hex')}>`);
  });

  it('gives its init as a copy', () => {
    const init = loadLibkrun({ library: paths.generic }).getDefaultInit();
    expect(Buffer.from(init).toString('latin1')).toBe('\u007FELF init');
  });

  it('lets a start be tried again that it refused', async () => {
    const library = loadLibkrun({ library: paths.generic });
    for (const _ of [1, 2]) {
      const refused = library.createContext().startEnter();
      await expect(refused).rejects.toMatchObject({
        name: 'KrunError',
        errno: 'EINVAL',
        number: 22,
        call: 'krun_start_enter',
      });
    }
  });
});

describe('a file that was handed over', () => {
  it('must still be open at the start', async () => {
    const context = loadLibkrun({ library: paths.generic }).createContext();
    const input = openSync('/dev/null', 'r');
    context.addVirtioConsoleDefault({ input });
    closeSync(input);
    await expect(context.startEnter()).rejects.toThrow(
      `file ${input}, which krun_add_virtio_console_default was given, is closed`,
    );
    expect(recorded().at(-1)).not.toContain('krun_start_enter');
  });
});

describe('the variant of a library', () => {
  it('is what it says it is', () => {
    for (const variant of ['generic', 'sev', 'tdx', 'efi'] as const) {
      const library = loadLibkrun({ library: paths[variant] });
      expect([library.variant, library.version, library.path]).toEqual([variant, '1.19.3', paths[variant]]);
    }
  });

  it('must be the one that is asked for', () => {
    expect(() => loadLibkrun({ library: paths.tdx, variant: 'sev' })).toThrow(LibkrunNotAvailable);
    expect(() => loadLibkrun({ library: paths.tdx, variant: 'sev' })).toThrow(
      'is the tdx variant of libkrun, and sev was asked for',
    );
  });
});

describe('a fork of libkrun', () => {
  it('is not called by a name that has other arguments there', () => {
    const newer = ['krun_disable_implicit_init', 'krun_fs_add_overlay_dir'] as const;
    const library = loadLibkrun({
      library: compileRecorder(directory, 'generic', 'libkrun.so.1.17.9', newer),
    });
    const share = vm()
      .kernel((k) => k.firmware('/f'))
      .fs((fs) => fs.tag('data').path('/srv').semantics('simplified'));
    expect(library.supports('krun_add_virtiofs4')).toBe(false);
    expect(() => share.build().formatCalls(capabilitiesOf(library))).toThrow(
      'this libkrun has no krun_add_virtiofs4; use libkrun 1.19.3 or newer',
    );
  });
});

describe('a library that cannot be had', () => {
  it('is told with the places that were looked at', () => {
    const nowhere = { HOME: directory };
    const message = /^libkrun-tdx .* is not installed; looked at .*libkrun-tdx\.so\.1/;
    expect(() => loadLibkrun({ variant: 'tdx', environment: nowhere })).toThrow(message);
    expect(() => loadLibkrun({ library: '/nowhere/libkrun.so.1' })).toThrow(LibkrunNotAvailable);
  });

  it('is told where a file is no library', () => {
    expect(() => loadLibkrun({ library: files.file })).toThrow(LibkrunNotAvailable);
  });
});
