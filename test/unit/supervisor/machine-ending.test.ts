import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { RunOutcome } from '../../../src/machine/outcome.ts';
import { isEnding, signalGuest } from '../../../src/supervisor/machine-ending.ts';
import { machineDefinition } from '../../support/definitions.ts';

const SIGNAL = { machine: 'web', signalName: 'SIGINT' };

/** A control socket whose clients are treated so. */
async function controlSocket(serve: (socket: Socket) => void): Promise<string> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'kr-control-'));
  const server = createServer(serve);
  const file = path.join(directory, 'c');
  await new Promise<void>((resolve) => server.listen(file, resolve));
  onTestFinished(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });
  return file;
}

test('a guest that ends by a signal before its process has answered was reached', async () => {
  let end: (outcome: RunOutcome) => void = () => undefined;
  const ended = new Promise<RunOutcome>((resolve) => (end = resolve));
  const socket = await controlSocket((client) => {
    client.once('data', () => client.destroy());
    client.once('close', () => setImmediate(() => end({ kind: 'exited', exit: { code: 5 } })));
  });
  await signalGuest({ ended }, socket, SIGNAL);
});

test('a machine process that gives no answer and does not end was not reached', async () => {
  const socket = await controlSocket((client) => client.destroy());
  const ended = new Promise<RunOutcome>(() => undefined);
  await expect(signalGuest({ ended }, socket, SIGNAL)).rejects.toThrow(
    'SIGINT did not reach the guest of machine web',
  );
});

test('a signal that means anything to an agent means the end to a machine without', () => {
  expect(isEnding('SIGUSR1', machineDefinition('web'))).toBe(false);
  expect(isEnding('SIGUSR1', machineDefinition('web', { stopSignal: 'SIGUSR1' }))).toBe(true);
  // Its process ends at each: it has nobody to hand it to.
  expect(isEnding('SIGUSR1', machineDefinition('web', { agent: false }))).toBe(true);
});
