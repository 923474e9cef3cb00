import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LibkrunNotAvailable } from '../../src/libkrun/errors.ts';
import { loadLibkrun } from '../../src/libkrun/load.ts';
import { FUNCTION_NAMES } from '../../src/libkrun/availability.ts';
import type { LibkrunFunction } from '../../src/vm/functions.ts';

const cache = path.resolve(import.meta.dirname, '../../node_modules/.cache');
const isRequired = process.env['KRUN_E2E'] === 'required';

/** Why there is nothing to sweep; where everything is required, the tests run and fail instead. */
function missing(): string | undefined {
  try {
    loadLibkrun();
    return undefined;
  } catch (error) {
    if (!(error instanceof LibkrunNotAvailable) || isRequired) throw error;
    return error.message;
  }
}

const reason = missing();

interface Swept {
  readonly outcomes: readonly string[];
  /** The call that the process died on, with how. */
  readonly crash?: string;
}

describe.skipIf(reason !== undefined)(`the real libkrun${reason === undefined ? '' : ` (${reason})`}`, () => {
  let directory: string;
  beforeAll(async () => {
    directory = mkdtempSync(path.join(cache, 'krun-sweep-'));
    await build({
      entryPoints: [path.join(import.meta.dirname, 'support/libkrun-sweep.ts')],
      outfile: path.join(directory, 'sweep.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['koffi'],
      logLevel: 'error',
    });
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** Without a function all are swept, in one process: only where that dies is it worth one for each. */
  function sweep(name?: LibkrunFunction): Swept {
    const words = [path.join(directory, 'sweep.mjs'), ...(name === undefined ? [] : [name])];
    const { stdout, stderr, status, signal } = spawnSync(process.execPath, words, {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly call?: string; readonly outcome?: string });
    const outcomes = lines.flatMap(({ outcome }, index) =>
      outcome === undefined ? [] : [`${lines[index - 1]?.call}: ${outcome}`],
    );
    const how = signal ?? (status === 0 ? undefined : `exit code ${status}`);
    if (how === undefined) return { outcomes };
    return { outcomes, crash: `${lines.at(-1)?.call ?? 'no call'}: ${how}\n${stderr}` };
  }

  it('answers every bad value in every option of every method with an error of this module, and never crashes', () => {
    const whole = sweep();
    const parts = whole.crash === undefined ? [whole] : FUNCTION_NAMES.map((name) => sweep(name));
    const outcomes = parts.flatMap((part) => part.outcomes);
    const crashes = parts.flatMap(({ crash }) => (crash === undefined ? [] : [crash]));
    const untyped = outcomes.filter((text) => text.includes(': untyped: '));
    const refused = outcomes.filter((text) => text.endsWith(': ArgumentError')).length;
    console.log(`${outcomes.length} calls, ${refused} refused before libkrun, ${crashes.length} crashes`);
    expect(crashes).toEqual([]);
    expect(untyped).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(3000);
    expect(refused).toBeGreaterThan(2000);
  });

  it('takes the options that are good', () => {
    const good = sweep().outcomes.filter((text) => text.includes(' good options: '));
    expect(good.filter((text) => text.endsWith(': ArgumentError'))).toEqual([]);
    expect(good.filter((text) => text.endsWith(': done')).length).toBeGreaterThan(40);
  });
});
