import { existsSync } from 'node:fs';
import { open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Event } from '../../src/plan/event.ts';
import { processIdentity } from '../../src/host/identity.ts';
import { kill, SupervisedProject } from './support/supervised.ts';

test('a build runs before the first start and again when an input changed', async () => {
  await using project = await SupervisedProject.create();
  const input = path.join(project.base, 'p', 'input');
  await writeFile(input, 'one');
  const web = await project.machine('web', 'true', {
    build: {
      command: ['/bin/sh', '-c', 'echo building; cat input; echo; pwd >&2'],
      inputs: [path.join(project.base, 'p', 'inp*')],
      directory: path.join(project.base, 'p'),
      environment: { A: 'b' },
    },
  });
  const output = (events: readonly Event[]): string[] =>
    events.flatMap((event) => (event.type === 'build-output' ? [event.line] : []));
  const first = await project.done(project.up([web]));
  // Its two streams are two pipes: nothing says which is read first.
  const directory = path.join(project.base, 'p');
  expect(output(first).filter((line) => line !== directory)).toEqual(['building', 'one']);
  expect(output(first)).toContain(directory);
  expect(output(await project.done(project.up([web])))).toEqual([]);
  await writeFile(input, 'two');
  const again = await project.done(project.up([web]));
  expect(
    again.flatMap((event) => (event.type === 'plan' ? event.nodes.map(({ cause }) => cause) : [])),
  ).toContain('input input changed');
  expect(output(again).filter((line) => line !== directory)).toEqual(['building', 'two']);
  const broken = { ...web, build: { ...web.build!, command: ['/no/such/program'] } };
  const outcome = await project.perform(project.up([broken]));
  expect(outcome.failures[0]).toContain('could not be started (ENOENT)');
});

test('a build is ended, with all that it started, when its supervisor was killed and when it is given up', async () => {
  await using project = await SupervisedProject.create();
  const directory = path.join(project.base, 'p');
  const script = 'sleep 3600 & echo $! >pid.new; mv pid.new pid; wait';
  const build = { command: ['/bin/sh', '-c', script], inputs: [], directory, environment: {} };
  const machine = await project.machine('web', 'true', { build });
  const started = async (): Promise<number> => {
    const file = path.join(directory, 'pid');
    await expect.poll(() => existsSync(file), { timeout: 20_000 }).toBe(true);
    const pid = Number(await readFile(file, 'utf8'));
    await rm(file);
    return pid;
  };
  const first = project.perform(project.up([machine]));
  const left = await started();
  const { pid } = JSON.parse(await readFile(project.layout.lockFile, 'utf8')) as { pid: number };
  kill(pid, 'SIGKILL');
  await first;
  const second = project.perform(project.up([machine]));
  const next = await started();
  await expect.poll(() => processIdentity(left)).toBeUndefined();
  await project.done(project.down());
  expect((await second).failures.join()).toContain('interrupted by krun down');
  await expect.poll(() => processIdentity(next)).toBeUndefined();
});

test('what a build makes has the modes of the user, not those of krun', async () => {
  await using project = await SupervisedProject.create();
  const directory = path.join(project.base, 'p');
  const command = ['/bin/sh', '-c', 'mkdir made; echo text >made/file'];
  const build = { command, inputs: [], directory, environment: {} };
  await project.done(project.up([await project.machine('web', 'true', { build })]));
  const allowed = 0o777 & ~process.umask();
  expect((await stat(path.join(directory, 'made'))).mode & 0o777).toBe(allowed);
  expect((await stat(path.join(directory, 'made', 'file'))).mode & 0o777).toBe(allowed & 0o666);
});

test('named disks are made sparse and formatted, grow with their file system, and go only when asked', async () => {
  await using project = await SupervisedProject.create();
  const disk = {
    name: 'data',
    sizeBytes: 16 * 1024 * 1024,
    format: 'raw',
    fstype: 'ext4',
    protect: false,
  } as const;
  const attached = { source: { kind: 'named', name: 'data' }, format: 'raw' } as const;
  const web = await project.machine('web', 'true', {
    disks: [{ ...attached, readOnly: false, sync: 'full', directIo: false }],
  });
  const up = (sizeBytes: number) => {
    const request = project.up([web]);
    return { ...request, project: { ...request.project, disks: { data: { ...disk, sizeBytes } } } };
  };
  await project.done(up(disk.sizeBytes));
  const image = path.join(project.layout.disksDirectory, 'data.raw');
  const made = await stat(image);
  expect(made.size).toBe(disk.sizeBytes);
  expect(made.blocks * 512).toBeLessThan(disk.sizeBytes / 2);
  const blocksOf = async (): Promise<number> => {
    const handle = await open(image, 'r');
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 1024 + 4);
    await handle.close();
    return buffer.readUInt32LE(0);
  };
  const before = await blocksOf();
  await project.done({ type: 'stop', machines: [] });
  await project.done(up(2 * disk.sizeBytes));
  expect((await stat(image)).size).toBe(2 * disk.sizeBytes);
  expect(await blocksOf()).toBe(2 * before);
  // As a kill between the two steps of growing leaves it: the image is longer, the file system is not.
  await project.done({ type: 'stop', machines: [] });
  await truncate(image, 3 * disk.sizeBytes);
  await writeFile(path.join(project.layout.disksDirectory, '.data.growing'), String(2 * disk.sizeBytes));
  await project.done(up(3 * disk.sizeBytes));
  expect(await blocksOf()).toBe(3 * before);
  await project.done(project.down({ removeDisks: false }));
  expect(existsSync(image)).toBe(true);
  await project.done(project.down());
  expect(existsSync(image)).toBe(false);
});
