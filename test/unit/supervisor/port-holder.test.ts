import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describeHolder } from '../../../src/supervisor/port-holder.ts';

/** How a process is described that was started with a `spec.json` of that text. */
async function described(text: string): Promise<string> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'krun-holder-'));
  const file = path.join(directory, 'spec.json');
  writeFileSync(file, text);
  const child = spawn('/bin/sh', ['-c', 'echo; read line', 'sh', file], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  // Its arguments are there when it runs, not yet when it was spawned.
  await once(child.stdout, 'data');
  onTestFinished(() => {
    child.stdin.end();
    rmSync(directory, { recursive: true });
  });
  const pid = child.pid ?? -1;
  const holder = await describeHolder({ pid, name: 'serve' }, 8080, 'tcp');
  return holder.replace(String(pid), 'N');
}

test.runIf(process.platform === 'linux')('only a spec of krun makes a process one of krun', async () => {
  expect(await described('{"openapi":"3.1.0"}')).toBe('process N (serve)');
  expect(await described('openapi: 3.1.0')).toBe('process N (serve)');
  expect(await described('null')).toBe('process N (serve)');
  const spec = { project: 'shop', machine: 'web', identityFile: '/p/process.json' };
  expect(await described(JSON.stringify(spec))).toBe('machine web of project shop (process N)');
});
