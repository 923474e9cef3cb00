import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { hostFacts } from '../../../src/cli/host-facts.ts';

test('a helper in PATH is found; one that the environment names wrongly is told, with what to do', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'krun-facts-'));
  try {
    const program = path.join(directory, 'gvproxy');
    await writeFile(program, '');
    const named = hostFacts({ KRUN_GVPROXY: program }).helpers.gvproxy;
    expect(named).toMatchObject({
      kind: 'unusable',
      message: `gvproxy: ${program} is not executable for your user`,
    });
    expect(named.kind === 'found' ? '' : named.hint).toContain('KRUN_GVPROXY names it');
    await chmod(program, 0o755);
    expect(hostFacts({ PATH: directory }).helpers.gvproxy).toEqual({ kind: 'found' });
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('ports that need rights are those that the system says', async () => {
  const { firstOpenPort, platform } = hostFacts({});
  expect(platform).toBe(process.platform);
  if (process.getuid?.() === 0) expect(firstOpenPort).toBe(0);
  else if (platform !== 'linux') expect(firstOpenPort).toBe(1024);
  else
    expect(firstOpenPort).toBe(
      Number(await readFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')),
    );
});
