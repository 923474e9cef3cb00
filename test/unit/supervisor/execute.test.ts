import { expect, test } from 'vitest';
import type { Action, Plan, PlanNode } from '../../../src/plan/action.ts';
import type { EventBody } from '../../../src/plan/event.ts';
import { executePlan } from '../../../src/supervisor/execute.ts';
import { ActionFailure } from '../../../src/supervisor/failure.ts';

function plan(...nodes: readonly (readonly [Action['type'], readonly number[]])[]): Plan {
  return {
    nodes: nodes.map(([type, after], index): PlanNode => {
      const action = { type, machine: `m${index + 1}` } as Action;
      return { id: index + 1, action, cause: 'test', after };
    }),
    notes: [],
  };
}

/** Runs a plan whose actions end when the test says so. */
function controlled(tested: Plan, startLimit = 4) {
  const log: string[] = [];
  const ends = new Map<number, { resolve: (note?: string) => void; reject: (error: Error) => void }>();
  const controller = new AbortController();
  const result = executePlan(tested, {
    signal: controller.signal,
    startLimit,
    emit: (event: EventBody) => {
      if (!('id' in event)) return;
      const { type, id, ...more } = event;
      log.push(
        `${type.replace('action-', '')} ${id}${Object.values(more)
          .map((value) => `: ${value}`)
          .join('')}`,
      );
    },
    run: ({ id }) =>
      new Promise((resolve, reject) => {
        ends.set(id, { resolve, reject });
      }),
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { log, ends, controller, result, settle };
}

test('independent actions run at once, others when what they need is done', async () => {
  const { log, ends, result, settle } = controlled(plan(['create', []], ['create', []], ['start', [1, 2]]));
  await settle();
  ends.get(2)?.resolve();
  await settle();
  expect(log).toEqual(['started 1', 'started 2', 'finished 2']);
  ends.get(1)?.resolve('look here');
  await settle();
  ends.get(3)?.resolve();
  expect(await result).toBe(true);
  expect(log.slice(3)).toEqual(['finished 1: look here', 'started 3', 'finished 3']);
});

test('a failure skips what comes after it, names the first cause, and leaves the rest alone', async () => {
  const { log, ends, result, settle } = controlled(
    plan(['create', []], ['start', [1]], ['wait', [2]], ['create', []]),
  );
  await settle();
  ends.get(1)?.reject(new ActionFailure('no room', 'make some'));
  ends.get(4)?.resolve();
  expect(await result).toBe(false);
  expect(log).toEqual([
    'started 1',
    'started 4',
    'failed 1: no room: make some',
    'finished 4',
    'skipped 2: 1',
    'skipped 3: 1',
  ]);
});

test('no more machines start at a time than the limit says, whatever else runs', async () => {
  const { log, ends, result, settle } = controlled(
    plan(['start', []], ['start', []], ['start', []], ['stop', []]),
    2,
  );
  await settle();
  expect(log).toEqual(['started 4', 'started 1', 'started 2']);
  ends.get(1)?.reject(new ActionFailure('broken'));
  await settle();
  expect(log.slice(3)).toEqual(['failed 1: broken', 'started 3']);
  for (const id of [2, 3, 4]) ends.get(id)?.resolve();
  expect(await result).toBe(false);
});

test('an interrupted plan begins nothing any more', async () => {
  const { log, ends, controller, result, settle } = controlled(plan(['create', []], ['start', [1]]));
  await settle();
  controller.abort(new ActionFailure('interrupted by krun stop'));
  ends.get(1)?.resolve();
  expect(await result).toBe(false);
  expect(log).toEqual(['started 1', 'finished 1', 'failed 2: interrupted by krun stop']);
});

test('a bug is told with its stack, a refusal of the system with its next step', async () => {
  const { log, ends, result, settle } = controlled(plan(['create', []], ['create', []]));
  await settle();
  ends.get(1)?.reject(new TypeError('x is not a function'));
  ends.get(2)?.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }));
  expect(await result).toBe(false);
  expect(log[2]).toMatch(/^failed 1: Internal error: TypeError: x is not a function\n +at /);
  expect(log[3]).toBe(
    'failed 2: ENOSPC: no space left on device, write: the disk is full; free some space and run the command again',
  );
});

test('what is optional goes on after a failure of its own, and of what it comes after, with a remark', async () => {
  const tested = plan(['start', []], ['wait', [1]], ['wait', []], ['start', [2, 3]]);
  const nodes = tested.nodes.map((node) =>
    node.action.type === 'wait' ? { ...node, action: { ...node.action, isOptional: true as const } } : node,
  );
  const { log, ends, result, settle } = controlled({ ...tested, nodes });
  await settle();
  ends.get(1)?.reject(new ActionFailure('no room'));
  ends.get(3)?.reject(new ActionFailure('it is unhealthy'));
  await settle();
  ends.get(2)?.reject(new ActionFailure('it has failed'));
  await settle();
  ends.get(4)?.resolve();
  // The start did fail.
  expect(await result).toBe(false);
  expect(log.toSorted().slice(-4)).toEqual(['started 1', 'started 2', 'started 3', 'started 4']);
  expect(log.slice(2)).toEqual([
    'failed 1: no room',
    'finished 3: goes on without it: it is unhealthy',
    'started 2',
    'finished 2: goes on without it: it has failed',
    'started 4',
    'finished 4',
  ]);
});
