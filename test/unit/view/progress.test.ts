import { expect, test } from 'vitest';
import { type Event, type EventBody, toldNodes } from '../../../src/plan/event.ts';
import { createEventLines } from '../../../src/view/events.ts';
import { createPlainProgress } from '../../../src/view/progress-plain.ts';
import { eventJson } from '../../../src/view/progress-json.ts';
import { createPaint } from '../../../src/view/style.ts';
import { exampleMachine } from './fixtures.ts';

function at(body: EventBody): Event {
  return { time: '2026-01-02T03:04:05Z', ...body };
}

const EVENTS: readonly Event[] = [
  at({
    type: 'plan',
    request: 'up',
    nodes: toldNodes([
      {
        id: 1,
        action: { type: 'build', machine: 'web', definition: exampleMachine('web') },
        cause: 'never built',
        after: [],
      },
      {
        id: 2,
        action: {
          type: 'create-disk',
          disk: { name: 'data', sizeBytes: 1024, format: 'raw', protect: false },
        },
        cause: 'new disk',
        after: [],
      },
      {
        id: 3,
        action: { type: 'create', machine: 'web', definition: exampleMachine('web'), hash: '1-x' },
        cause: 'memory changed 512 -> 1024 MiB (krun.yaml:7)',
        after: [1],
      },
      { id: 4, action: { type: 'start', machine: 'web' }, cause: 'new machine', after: [3] },
    ]),
    notes: ['orphan machine old is kept (use --remove-orphans)'],
  }),
  at({ type: 'action-started', id: 1 }),
  at({ type: 'action-started', id: 2 }),
  at({ type: 'build-output', machine: 'web', line: 'cc -o init' }),
  at({ type: 'action-finished', id: 2 }),
  at({ type: 'action-finished', id: 1 }),
  at({ type: 'action-started', id: 3 }),
  at({ type: 'network', network: 'default', status: 'running' }),
  at({ type: 'action-failed', id: 3, message: 'no space left', hint: 'free some' }),
  at({ type: 'action-skipped', id: 4, because: 3 }),
  at({
    type: 'state',
    machine: 'web',
    state: { status: 'failed', run: 1, since: '', reason: 'no /dev/kvm' },
  }),
  at({ type: 'done', ok: false }),
];

test('plain progress is one line an event, with the cause of each action', () => {
  const progress = createPlainProgress(createPaint(false));
  expect(EVENTS.flatMap((event) => progress(event)).join('\n')).toMatchInlineSnapshot(`
    "orphan machine old is kept (use --remove-orphans)
    web        building: never built
    disk data  creating: new disk
    web        | cc -o init
    disk data  created
    web        built
    web        creating: memory changed 512 -> 1024 MiB (krun.yaml:7)
    network default  running
    web        create failed: no space left
      hint: free some
    web        start skipped: create of web failed
    web failed: no /dev/kvm"
  `);
});

test('a start that fails tells the failure once, and a later failure is told again', () => {
  const progress = createPlainProgress(createPaint(false));
  const failed = at({
    type: 'state',
    machine: 'web',
    state: { status: 'failed', run: 1, since: '', reason: 'no /dev/kvm' },
  });
  progress(EVENTS[0] ?? failed);
  progress(at({ type: 'action-started', id: 4 }));
  expect(progress(failed)).toEqual([]);
  expect(progress(at({ type: 'action-failed', id: 4, message: 'no /dev/kvm' }))).toEqual([
    'web        start failed: no /dev/kvm',
  ]);
  progress(at({ type: 'action-started', id: 4 }));
  progress(at({ type: 'action-finished', id: 4 }));
  expect(progress(failed)).toEqual(['web failed: no /dev/kvm']);
});

test('a plan that is refused shows every reason', () => {
  const progress = createPlainProgress(createPaint(false));
  const refused = at({ type: 'plan', request: 'up', nodes: [], notes: [], errors: ['one', 'two'] });
  expect(progress(refused)).toEqual(['krun: one', 'krun: two']);
});

test('json progress has one object a line with a type, and no environment of a machine', () => {
  const lines = EVENTS.map(eventJson);
  expect(lines.map((line) => (JSON.parse(line) as Event).type)).toEqual(EVENTS.map((event) => event.type));
  expect(lines.join('\n')).not.toContain('secret');
  expect(lines.join('\n')).not.toMatch(/\n\n/);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    nodes: [{ id: 1, action: { type: 'build', machine: 'web' } }, { action: { name: 'data' } }, {}, {}],
  });
});

test('events for people are one line each', () => {
  expect(EVENTS.map(createEventLines())).toEqual([
    '2026-01-02T03:04:05Z up: 4 actions',
    '2026-01-02T03:04:05Z web building: never built',
    '2026-01-02T03:04:05Z disk data creating: new disk',
    '2026-01-02T03:04:05Z web | cc -o init',
    '2026-01-02T03:04:05Z disk data created',
    '2026-01-02T03:04:05Z web built',
    '2026-01-02T03:04:05Z web creating: memory changed 512 -> 1024 MiB (krun.yaml:7)',
    '2026-01-02T03:04:05Z network default running',
    '2026-01-02T03:04:05Z web create failed: no space left',
    '2026-01-02T03:04:05Z web start skipped: create of web failed',
    '2026-01-02T03:04:05Z web failed: no /dev/kvm',
    '2026-01-02T03:04:05Z up: failed',
  ]);
});

test('an event whose plan is not known is a line all the same', () => {
  expect(createEventLines()(at({ type: 'action-started', id: 3 }))).toBe(
    '2026-01-02T03:04:05Z action 3 running',
  );
});

test('what the user should know about a finished action is told', () => {
  const progress = createPlainProgress(createPaint(false));
  progress(EVENTS[0] ?? at({ type: 'done', ok: true }));
  expect(progress(at({ type: 'action-finished', id: 2, note: 'grow it in the guest' }))).toEqual([
    'disk data  created',
    '  note: grow it in the guest',
  ]);
});
