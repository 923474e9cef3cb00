import { expect, test } from 'vitest';
import type { Endpoint } from '../../../src/store/records.ts';
import { exchangedPorts } from '../../../src/supervisor/exchanged-ports.ts';
import { machineDefinition } from '../../support/definitions.ts';

function on(...hosts: readonly number[]): Endpoint {
  return {
    interfaces: [],
    ports: hosts.map((host, index) => ({ host, guest: 80 + index, protocol: 'tcp' })),
  };
}

test('a chosen port that was taken meanwhile is told, with the one that took its place', () => {
  const web = machineDefinition('web', {
    ports: [
      { host: 'auto', guest: 80, protocol: 'tcp' },
      { host: 4001, guest: 81, protocol: 'tcp' },
    ],
  });
  expect(exchangedPorts(web, on(5000, 4000), on(5001, 4001))).toBe(
    'port 80 is on 5001 of the host now, because 5000 is taken',
  );
  expect(exchangedPorts(web, on(5000), on(5000, 4001))).toBeUndefined();
  expect(exchangedPorts(web, undefined, on(5000, 4001))).toBeUndefined();
});
