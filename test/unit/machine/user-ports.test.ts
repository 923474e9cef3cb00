import { once } from 'node:events';
import { mkdtempSync, rmSync, writeSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { makePipe } from '../../../src/host/libc.ts';
import { serveUserPorts } from '../../../src/machine/user-ports.ts';

/** A port whose guest says what is written to it. */
async function openPort(): Promise<{
  readonly connect: () => Promise<net.Socket>;
  readonly say: (text: string) => Promise<void>;
}> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'krun-ports-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'a.sock');
  const [toGuest, fromGuest] = [makePipe(), makePipe()];
  const end = { input: toGuest.write, output: fromGuest.read };
  await serveUserPorts([{ port: { name: 'a', kind: 'socket', path: file }, end }], () => '');
  return {
    async connect() {
      const client = net.connect(file);
      await once(client, 'connect');
      return client;
    },
    async say(text) {
      writeSync(fromGuest.write, text);
      // The server is in this process: it has read that when all that was to be done is done.
      for (let turn = 0; turn < 3; turn++) await nextTurn();
    },
  };
}

/** All that a client hears from now on. */
function heardBy(client: net.Socket): () => string {
  let text = '';
  client.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return () => text;
}

test('what the guest says after its client has gone is kept for the next one', async () => {
  const { connect, say } = await openPort();
  const first = await connect();
  const heardFirst = heardBy(first);
  await say('to the first\n');
  await expect.poll(heardFirst).toBe('to the first\n');
  first.destroy();
  await once(first, 'close');
  await say('one\n');
  await say('two\n');
  const second = await connect();
  await expect.poll(heardBy(second)).toBe('one\ntwo\n');
  second.destroy();
});
