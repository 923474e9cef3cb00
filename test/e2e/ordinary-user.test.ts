import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { gvproxyPath, programPath } from '../rig/support/helpers.ts';
import type { Rig } from '../rig/support/rig.ts';
import { createMachines } from './support/machines.ts';
import { freePorts, page } from './support/networks.ts';

/** Who has no rights but to use /dev/kvm; nobody, where the tests run as root. Else they are an ordinary user's anyway. */
const user = process.getuid?.() === 0 ? { uid: 65_534 } : {};
const gvproxy = gvproxyPath('0.8.9');

describe('an ordinary user', () => {
  test.skipIf(!gvproxy)('has a network of two machines over gvproxy', async (context) => {
    const [port] = await freePorts(1);
    await using project = await createMachines(context, {
      example: 'gvproxy-web-db',
      env: { PORT: String(port) },
      ...user,
    });
    const program = path.join(project.base, 'gvproxy');
    await cp(gvproxy ?? '', program);
    await project.ok(['up', '-d'], { env: { KRUN_GVPROXY: program } });
    expect(await page(`http://127.0.0.1:${port}/cgi-bin/ask`)).toBe('web says: the answer is 42\n');
    expect(await project.ok(['exec', '-T', 'web', 'id', '-u'])).toBe('0\n');
    await expectOwnProcesses(project);
    await project.ok(['down']);
    expect(await project.leftovers()).toEqual([]);
  });

  test.skipIf(!programPath('passt'))('has a machine behind passt', async (context) => {
    const [port] = await freePorts(1);
    await using project = await createMachines(context, {
      example: 'passt',
      env: { PORT: String(port) },
      ...user,
    });
    await project.ok(['up', '-d']);
    expect(await page(`http://127.0.0.1:${port}/`)).toBe('Hello through passt\n');
    await expectOwnProcesses(project);
    await project.ok(['down']);
    expect(await project.leftovers()).toEqual([]);
  });
});

/** Supervisor, machines and helpers have no other user, whoever runs this test. */
async function expectOwnProcesses(project: Rig): Promise<void> {
  const processes = await project.leftovers();
  const own = `Uid:${`\t${user.uid ?? process.getuid?.()}`.repeat(4)}\n`;
  for (const { pid, command } of processes) {
    expect(await readFile(`/proc/${pid}/status`, 'utf8'), command).toContain(own);
  }
  const all = processes.map(({ command }) => command).join('\n');
  for (const part of [/supervisor/, /machine/, /gvproxy|passt/]) expect(all).toMatch(part);
}
