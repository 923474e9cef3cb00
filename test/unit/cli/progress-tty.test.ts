import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { createTtyProgress } from '../../../src/cli/progress-tty.ts';
import type { Event, EventBody } from '../../../src/plan/event.ts';

const PLAN: EventBody = {
  type: 'plan',
  request: 'up',
  nodes: [
    { id: 1, action: { type: 'start', machine: 'db' }, cause: 'new machine', after: [] },
    { id: 2, action: { type: 'start', machine: 'web' }, cause: 'not running: exited 1', after: [1] },
    { id: 3, action: { type: 'start', machine: 'api' }, cause: 'new machine', after: [2] },
  ],
  notes: ['a note'],
};

async function shown(...events: readonly EventBody[]): Promise<readonly string[]> {
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const others: string[] = [];
  const progress = createTtyProgress(stream as unknown as NodeJS.WriteStream, {
    event: (event: Event) => others.push(event.type),
    end: async () => {},
  });
  for (const body of events) progress.event({ time: '2026-01-02T03:04:05Z', ...body });
  await progress.end();
  // What is left on the screen: the last drawing.
  const last = text.slice(text.lastIndexOf('\u001b[G'));
  return [...others, ...stripVTControlCharacters(last).split('\n').filter(Boolean)];
}

test('each action has a row with its outcome, and the rest goes elsewhere', async () => {
  const rows = await shown(
    PLAN,
    { type: 'action-started', id: 1 },
    { type: 'action-finished', id: 1 },
    { type: 'action-started', id: 2 },
    { type: 'action-failed', id: 2, message: 'no /dev/kvm', hint: 'krun doctor' },
    { type: 'action-skipped', id: 3, because: 2 },
    { type: 'done', ok: false },
  );
  expect(rows.map((row) => row.replace(/^\S+ (?=\w+ {2})/, ''))).toEqual([
    'plan',
    'done',
    'db   started: new machine',
    'web  start failed: no /dev/kvm (hint: krun doctor)',
    'api  start skipped: start of web failed',
  ]);
});

test('a supervisor that is lost leaves no row spinning', async () => {
  const rows = await shown(PLAN, { type: 'action-started', id: 1 });
  expect(rows.join('\n')).toContain('db   starting: new machine');
});
