import { expect, test } from 'vitest';
import type { Plan } from '../../../src/plan/action.ts';
import type { Request } from '../../../src/plan/request.ts';
import { RequestQueue, type Job } from '../../../src/supervisor/request-queue.ts';

const start = (...machines: string[]): Request => ({ type: 'start', machines });
const stop = (...machines: string[]): Request => ({ type: 'stop', machines });
const kill = (signal: string, ...machines: string[]): Request => ({ type: 'kill', machines, signal });

function planOf(...machines: string[]): Plan {
  const nodes = machines.map((machine, index) => ({
    id: index + 1,
    action: { type: 'start', machine } as const,
    cause: 'test',
    after: [],
  }));
  return { nodes, notes: [] };
}

/** A queue whose jobs run until they are aborted or the test ends them. */
function controlled() {
  const log: string[] = [];
  const ends: (() => void)[] = [];
  const queue = new RequestQueue(async (job: Job) => {
    const { request } = job;
    log.push(`begin ${request.type}`);
    if (request.type === 'start') job.planned(planOf(...request.machines, 'dependency'));
    if (!job.signal.aborted) {
      await new Promise<void>((resolve) => {
        ends.push(resolve);
        job.signal.addEventListener('abort', () => resolve());
      });
    }
    log.push(
      job.signal.aborted ? `${request.type}: ${(job.signal.reason as Error).message}` : `end ${request.type}`,
    );
  });
  const submit = (request: Request): Promise<void> => queue.submit(request, () => undefined);
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { log, ends, queue, submit, settle };
}

test('requests are done one after the other', async () => {
  const { log, ends, queue, submit, settle } = controlled();
  const both = [submit(start('a')), submit(start('a'))];
  await settle();
  expect(log).toEqual(['begin start']);
  ends[0]?.();
  await settle();
  ends[1]?.();
  await Promise.all(both);
  expect(log).toEqual(['begin start', 'end start', 'begin start', 'end start']);
  expect(queue.isEmpty).toBe(true);
});

test('what ends machines interrupts what starts them, and a kill interrupts both', async () => {
  const { log, submit, settle } = controlled();
  void submit(start('a'));
  await settle();
  void submit(stop());
  await settle();
  await Promise.all([submit(kill('SIGKILL')), settle()].slice(1));
  expect(log).toEqual([
    'begin start',
    'start: interrupted by krun stop',
    'begin stop',
    'stop: interrupted by krun kill',
    'begin kill',
  ]);
});

test('the removal of what has ended is not interrupted', async () => {
  const { log, ends, submit, settle } = controlled();
  void submit({ type: 'rm', machines: ['a'], stop: false });
  await settle();
  void submit(stop());
  await settle();
  ends[0]?.();
  await settle();
  expect(log).toEqual(['begin rm', 'end rm', 'begin stop']);
});

test('a request about other machines waits, one about a dependency does not', async () => {
  const { log, submit, settle } = controlled();
  void submit(start('a'));
  await settle();
  void submit(stop('b'));
  void submit(kill('SIGHUP', 'a'));
  await settle();
  expect(log).toEqual(['begin start']);
  void submit(stop('dependency'));
  await settle();
  expect(log).toEqual(['begin start', 'start: interrupted by krun stop', 'begin stop']);
});

test('everything is interrupted when the supervisor has to go', async () => {
  const { log, queue, submit, settle } = controlled();
  void submit(start('a'));
  void submit(stop('b'));
  await settle();
  queue.interrupt('told to end');
  await queue.idle();
  expect(log).toEqual(['begin start', 'start: told to end', 'begin stop', 'stop: told to end']);
});
