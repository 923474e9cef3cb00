import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SupervisedProject } from './support/supervised.ts';

test('a machine starts, reports in, stops on its signal, and is gone after down', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', 'trap "echo bye; exit 0" TERM; echo hello; while :; do sleep 0.1; done');
  await project.done(project.up([web]));
  expect((await project.record('web'))?.state.status).toBe('running');
  await project.done({ type: 'stop', machines: [] });
  const record = await project.record('web');
  expect(record?.state).toMatchObject({ status: 'exited', run: 1, exit: { code: 0 } });
  expect(record?.stoppedByUser).toBe(true);
  expect(await project.output('web')).toEqual(['hello', 'bye']);
  await project.done(project.down());
  expect(await project.record('web')).toBeUndefined();
  await project.untilNoProcess();
  expect(existsSync(project.layout.supervisorSocket)).toBe(false);
});
