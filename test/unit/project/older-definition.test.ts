import { describe, expect, test } from 'vitest';
import { machineDifferences } from '../../../src/plan/differences.ts';
import { printPlan } from '../../../src/plan/print.ts';
import { planRequest } from '../../../src/plan/reconcile.ts';
import { isSameMachine, machineHash } from '../../../src/project/hash.ts';
import { currentDefinition, type RecordedMachine } from '../../../src/project/older-definition.ts';
import { machineDefinition, onGvproxy, projectOf, tsi } from '../../support/definitions.ts';

const LATER = [
  'tty',
  'stdinOpen',
  'networks',
  'ports',
  'secrets',
  'configs',
  'stopCommand',
  'watch',
  'helpers',
];

/** What the first krun recorded. */
function firstRecord(network: RecordedMachine['network']): RecordedMachine {
  const later = new Set(LATER);
  const then = Object.entries(machineDefinition('web')).filter(([key]) => !later.has(key));
  return { ...Object.fromEntries(then), ...(network ? { network } : {}) } as RecordedMachine;
}

describe('a definition that an older krun recorded', () => {
  test('is what the same file means today, where there was no network', () => {
    expect(currentDefinition(firstRecord({ driver: 'none' }))).toEqual(machineDefinition('web'));
  });

  test('keeps the ports that TSI published', () => {
    const port = { host: 8080, guest: 80, protocol: 'tcp' } as const;
    expect(currentDefinition(firstRecord({ driver: 'tsi', ports: [port] }))).toEqual(
      machineDefinition('web', tsi(port)),
    );
  });

  test('of today stays as it is', () => {
    const now = machineDefinition('web', {
      tty: true,
      watch: [
        { path: '/p', action: 'restart', ignore: [], include: [], gitignore: false, initialSync: false },
      ],
    });
    expect(currentDefinition(now)).toEqual(now);
  });

  test('is not another machine for an upgrade alone', () => {
    const before = currentDefinition(firstRecord(undefined));
    expect(isSameMachine({ hash: '1-old', definition: before }, machineHash(machineDefinition('web')))).toBe(
      true,
    );
  });

  test('is planned about: what the new krun gives it is told', () => {
    const definition = currentDefinition(firstRecord({ driver: 'none' }));
    const after = machineDefinition('web', { networks: [onGvproxy('web')] });
    expect(machineDifferences(definition, after).map(({ text }) => text)).toEqual(['network default added']);
    const plan = planRequest(
      {
        type: 'up',
        project: projectOf([after]),
        machines: [],
        noDeps: false,
        recreate: 'changed',
        removeOrphans: false,
        noStart: false,
        wait: false,
      },
      {
        machines: {
          web: { hash: '1-old', definition, state: { status: 'created' }, stoppedByUser: false },
        },
        disks: {},
        staleBuilds: {},
      },
    );
    expect(printPlan(plan)).toMatchInlineSnapshot(`
      "[1] remove web: network default added
      [2] create web: network default added  after [1]
      [3] start web: network default added  after [2]"
    `);
  });
});
