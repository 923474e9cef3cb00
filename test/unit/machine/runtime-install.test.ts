import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installRuntime } from '../../../src/machine/runtime-install.ts';

const LINUX = { os: 'linux', arch: 'x64' };

let base: string;
beforeEach(() => {
  base = mkdtempSync(path.join(os.tmpdir(), 'krun-install-'));
});
afterEach(() => rmSync(base, { recursive: true }));

/** An `npm` that runs a line of shell instead. */
function npm(script: string): string {
  const file = path.join(base, 'npm');
  writeFileSync(file, `#!/bin/sh\necho "$@" >>${base}/asked\n${script}\n`, { mode: 0o755 });
  return file;
}

async function failure(options: { npm: string; platform?: typeof LINUX }): Promise<string> {
  const directory = path.join(base, 'runtime');
  const result = await installRuntime({ directory, platform: LINUX, libraries: ['libkrunfw'], ...options });
  if (result.ok) throw new Error('installed');
  return result.error.map(({ message, hint }) => `${message}\n${hint}`).join('\n');
}

describe('installing the runtime', () => {
  it('takes no package but the pinned one', async () => {
    // --pack-destination is the last argument.
    const command = npm('for last; do :; done; echo not it >"$last/x.tgz"');
    expect(await failure({ npm: command })).toMatch(
      /^@superradcompany\/microsandbox-linux-x64-gnu@0\.6\.8 is not the package that krun was built for\nexpected sha512-JCYg\S+, got sha512-/,
    );
    expect(readFileSync(path.join(base, 'asked'), 'utf8')).toMatch(
      /^pack @superradcompany\/microsandbox-linux-x64-gnu@0\.6\.8 --json --pack-destination \//,
    );
  });

  it('leaves nothing behind when it fails', async () => {
    await failure({ npm: npm('exit 1') });
    expect(readdirSync(path.join(base, 'runtime'))).toEqual(['lib']);
    expect(readdirSync(path.join(base, 'runtime/lib'))).toEqual([]);
  });

  it("repeats npm's own reason", async () => {
    const command = npm(
      'echo "npm error code E404" >&2; echo "npm error 404 Not Found - GET https://r.example/x" >&2; exit 1',
    );
    expect(await failure({ npm: command })).toBe(
      'cannot download @superradcompany/microsandbox-linux-x64-gnu@0.6.8: 404 Not Found - GET https://r.example/x\n' +
        'npm reaches packages through the registry and proxy of `npm config list`',
    );
  });

  it('says when there is no npm', async () => {
    expect(await failure({ npm: '/no/such/npm' })).toBe(
      'cannot download libkrunfw: /no/such/npm is not installed\n' +
        'install npm, or install libkrunfw from your distribution',
    );
  });

  it('says when no package fits the platform', async () => {
    expect(await failure({ npm: npm('exit 1'), platform: { os: 'linux', arch: 'riscv64' } })).toBe(
      'no npm package has libkrunfw for linux riscv64\n' +
        'install libkrunfw from your distribution, or build it and set KRUN_LIBKRUNFW',
    );
  });
});
