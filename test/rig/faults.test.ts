import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { FOREVER } from './support/networks.ts';
import { SupervisedProject } from './support/supervised.ts';

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;

/** A project whose state is on a file system of its own, which a test can fill. */
class SmallDisk implements AsyncDisposable {
  readonly project: SupervisedProject;
  readonly #filler: string;
  readonly #mounted: string;

  private constructor(project: SupervisedProject) {
    this.project = project;
    this.#mounted = project.layout.stateDirectory;
    this.#filler = path.join(this.#mounted, 'filler');
  }

  static async create(): Promise<SmallDisk> {
    const disk = new SmallDisk(await SupervisedProject.create());
    await mkdir(disk.#mounted, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'krun-test', disk.#mounted]);
    return disk;
  }

  async fill(): Promise<void> {
    await expect(writeFile(this.#filler, Buffer.alloc(8 * 1024 * 1024))).rejects.toThrow('ENOSPC');
  }

  free(): Promise<void> {
    return rm(this.#filler, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.free();
      await this.project.perform(this.project.down({ timeoutMs: 500 }));
      await this.project.untilNoProcess();
    } finally {
      execFileSync('umount', ['-l', this.#mounted]);
      await this.project[Symbol.asyncDispose]();
    }
  }
}

test.skipIf(!isRoot)('a start on a full disk of the host says so, and what to do', async () => {
  await using disk = await SmallDisk.create();
  const { project } = disk;
  const web = await project.machine('web', FOREVER, { bootTimeoutMs: 3000 });
  await project.done(project.up([web], { noStart: true }));
  await disk.fill();
  const { ok, events } = await project.perform({ type: 'start', machines: ['web'] });
  expect(ok).toBe(false);
  const failed = events.find((event) => event.type === 'action-failed');
  expect(`${failed?.message} ${failed?.hint}`).toMatch(/ENOSPC.* free some space|is full; free some space/);
  await disk.free();
  await project.done(project.up([{ ...web, bootTimeoutMs: 60_000 }]));
});

test.skipIf(!isRoot)('supervisor and machines outlive a full disk of the host', async () => {
  await using disk = await SmallDisk.create();
  const { project } = disk;
  await project.done(project.up([await project.machine('web', `echo up; ${FOREVER}`)]));
  await expect.poll(() => project.output('web')).toEqual(['up']);
  const before = (await project.supervisor()).version.pid;
  await disk.fill();
  await project.done({ type: 'stop', machines: ['web'], timeoutMs: 300 });
  const supervisor = await project.supervisor();
  expect(supervisor.version.pid).toBe(before);
  expect((await supervisor.machines()).map(({ state }) => state.status)).toEqual(['exited']);
  await disk.free();
  await project.done({ type: 'start', machines: ['web'] });
  expect((await project.record('web'))?.state).toMatchObject({ status: 'running', run: 2 });
  await expect.poll(() => project.output('web'), { timeout: 10_000 }).toEqual(['up', 'up']);
});

test('a guest whose agent was killed ends, and says that nobody knows how', async () => {
  await using project = await SupervisedProject.create();
  const go = path.join(project.base, 'go');
  // Every process of the guest but its first one and this shell: all that serves sessions and signals.
  const script = `until [ -e '${go}' ]; do sleep 0.05; done; kill -KILL -1; ${FOREVER}`;
  await project.done(project.up([await project.machine('web', script)]));
  await writeFile(go, '');
  const { state } = await project.untilState('web', ({ status }) => status !== 'running');
  expect(state).toMatchObject({
    status: 'exited',
    exit: { code: null, reason: 'the guest ended without reporting an exit code' },
  });
});
