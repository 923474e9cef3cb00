import { expect, test } from 'vitest';
import type { WatchAction, WatchRule } from '../../../src/project/project.ts';
import type { Change } from '../../../src/watch/changes.ts';
import {
  decideSteps,
  type Finding,
  MANY_CHANGES,
  syncEntries,
  syncPlace,
} from '../../../src/watch/decide.ts';

function rule(action: WatchAction): WatchRule {
  return {
    path: '/p/src',
    action,
    ...(action.startsWith('sync') ? { target: '/app' } : {}),
    ignore: [],
    include: [],
    gitignore: false,
    initialSync: action.startsWith('sync'),
    ...(action.endsWith('exec') ? { exec: { command: ['make'], environment: {} } } : {}),
  };
}

const edit = (name: string): Change => ({ path: `/p/src/${name}`, type: 'changed', kind: 'file' });

/** The steps as words, for rules that all have seen the same changes. */
function steps(actions: readonly WatchAction[], more: Partial<Finding> = {}): readonly string[] {
  const findings = actions.map((_, index) => ({
    rule: index,
    changes: [edit('a')],
    isWhole: false,
    ...more,
  }));
  return decideSteps(actions.map(rule), findings).map((step) => `${step.type} ${step.rule}`);
}

test('syncs come first, then commands, then one restart for all', () => {
  expect(steps(['sync+restart', 'exec', 'sync+exec', 'restart', 'sync'])).toEqual([
    'sync 0',
    'sync 2',
    'sync 4',
    'exec 1',
    'exec 2',
    'restart 0',
  ]);
});

test('a rebuild makes everything else superfluous', () => {
  expect(steps(['sync', 'restart', 'rebuild', 'exec'])).toEqual(['rebuild 2']);
});

test('nothing happens for nothing, and a comparison is no reason for rules that copy nothing', () => {
  expect(steps(['sync', 'restart', 'exec', 'rebuild'], { changes: [] })).toEqual([]);
  expect(steps(['sync', 'restart', 'sync+exec', 'rebuild'], { changes: [], isWhole: true })).toEqual([
    'resync 0',
    'resync 2',
    'exec 2',
  ]);
});

test('so many changes that events may be missing are one comparison of the trees', () => {
  const changes = Array.from({ length: MANY_CHANGES + 1 }, (_, index) => edit(`f${index}`));
  expect(steps(['sync'], { changes })).toEqual(['resync 0']);
  expect(steps(['sync'], { changes: changes.slice(1) })).toEqual(['sync 0']);
});

test('new and deleted directories go as a whole, renamed files as delete and create', () => {
  const changes: Change[] = [
    { path: '/p/src/old/x/1', type: 'deleted', kind: 'file' },
    { path: '/p/src/old', type: 'deleted', kind: 'directory' },
    { path: '/p/src/old.txt', type: 'deleted', kind: 'file' },
    { path: '/p/src/new', type: 'created', kind: 'directory' },
    { path: '/p/src/new/1', type: 'created', kind: 'file' },
    { path: '/p/src/new-1', type: 'created', kind: 'file' },
    { path: '/p/src/new.txt', type: 'created', kind: 'link' },
    edit('a'),
  ];
  const entries = syncEntries(changes, '/p/src', syncPlace('/app', 'directory'));
  expect(entries.deleted).toEqual(['old', 'old.txt']);
  expect(entries.files.map(({ from, to }) => `${from} ${to}`)).toEqual([
    '/p/src/a a',
    '/p/src/new new',
    '/p/src/new-1 new-1',
    '/p/src/new.txt new.txt',
  ]);
});

test('a file goes where the target says, and when the tree is gone its directory stays in the guest', () => {
  const place = syncPlace('/etc/app.conf', 'file');
  const changed: Change = { path: '/p/app.conf', type: 'changed', kind: 'file' };
  expect(place).toEqual({ directory: '/etc', name: 'app.conf' });
  expect(syncEntries([changed], '/p/app.conf', place).files).toEqual([
    { from: '/p/app.conf', to: 'app.conf' },
  ]);
  expect(syncEntries([{ ...changed, type: 'deleted' }], '/p/app.conf', place).deleted).toEqual(['app.conf']);
  const tree: Change[] = [
    { path: '/p/src', type: 'deleted', kind: 'directory' },
    { path: '/p/src/a', type: 'deleted', kind: 'file' },
  ];
  expect(syncEntries(tree, '/p/src', syncPlace('/app', 'directory')).deleted).toEqual(['a']);
});
