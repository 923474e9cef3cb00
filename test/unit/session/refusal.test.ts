import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSession } from '../../../src/session/client.ts';

test('a socket that cannot be reached is a refusal, which whoever watches or stops a machine goes on from', async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'krun-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const socket = path.join(directory, 'socket');
  symlinkSync(socket, socket);
  const opened = await openSession(socket, { command: ['true'], environment: {}, stdin: false });
  expect(opened).toEqual({
    ok: false,
    error: {
      kind: 'silent',
      message: `the machine process cannot be reached: connect ELOOP ${socket}`,
    },
  });
});
