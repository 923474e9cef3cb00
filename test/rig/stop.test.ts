import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { FOREVER } from './support/networks.ts';
import { kill, SupervisedProject } from './support/supervised.ts';

const stop = { type: 'stop', machines: [] } as const;

/** Says `stopped` and ends when it gets the signal. */
function endsOn(signal: string): string {
  return `trap 'echo stopped by ${signal}; exit 0' ${signal}; echo up; ${FOREVER}`;
}

test('a machine that ends as it is asked to is stopped well under a second', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', endsOn('TERM'));
  const times: number[] = [];
  const said: string[] = [];
  // What the rest of the host does may delay one stop, but not each.
  do {
    await project.done(project.up([web]));
    said.push('up');
    await expect.poll(() => project.output('web')).toEqual(said);
    const startedMs = performance.now();
    await project.done(stop);
    times.push(Math.round(performance.now() - startedMs));
    said.push('stopped by TERM');
    expect(await project.output('web')).toEqual(said);
  } while (times.length < 10 && Math.min(...times) >= 800);
  console.info(`krun stop of one machine: ${times.join(', ')} ms`);
  expect(Math.min(...times)).toBeLessThan(800);
  expect((await project.record('web'))?.state).toMatchObject({ status: 'exited', exit: { code: 0 } });
});

test('a guest that does not end is killed when its grace period is over, which is told', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', `trap '' TERM; echo up; ${FOREVER}`, { stopGracePeriodMs: 400 });
  await project.done(project.up([web]));
  await project.untilSaid('web', 'up');
  const events = await project.done(stop);
  const note = 'killed: it did not end within 0.4 s';
  expect(events).toContainEqual(expect.objectContaining({ type: 'action-finished', note }));
  expect((await project.record('web'))?.state).toMatchObject({
    status: 'exited',
    exit: { code: null, signal: 'SIGKILL', reason: note },
  });
});

test('a machine whose process is paused is killed as soon as it is clear that it does not answer', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', FOREVER, { stopGracePeriodMs: 60_000 });
  await project.done(project.up([web]));
  kill((await project.identity('web')).pid, 'SIGSTOP');
  const events = await project.done(stop);
  const note = 'killed: the machine process did not answer';
  expect(events).toContainEqual(expect.objectContaining({ type: 'action-finished', note }));
});

test('the stop command ends the guest in place of the signal', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', endsOn('USR1'), {
    stopCommand: ['/bin/sh', '-c', 'kill -USR1 -1; exit 0'],
  });
  await project.done(project.up([web]));
  await project.untilSaid('web', 'up');
  const events = await project.done(stop);
  expect(events.filter((event) => event.type === 'action-finished' && event.note !== undefined)).toEqual([]);
  expect(await project.output('web')).toEqual(['up', 'stopped by USR1']);
});

test('a stop command that fails is told, and the signal ends the guest', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', endsOn('TERM'), {
    stopCommand: ['/bin/sh', '-c', `echo tried >>${project.base}/tried; echo no such database >&2; exit 3`],
  });
  await project.done(project.up([web]));
  await project.untilSaid('web', 'up');
  const events = await project.done(stop);
  expect(events).toContainEqual(
    expect.objectContaining({
      type: 'action-finished',
      note: 'the stop command failed, so SIGTERM was sent: it exited with 3 (no such database)',
    }),
  );
  expect(await project.output('web')).toEqual(['up', 'stopped by TERM']);
  expect(await readFile(`${project.base}/tried`, 'utf8')).toBe('tried\n');
});
