import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clearSocketPlace, connectProblem, removeSocket } from '../../../src/network/socket-place.ts';

let directory: string;
let place: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'kp-'));
  place = path.join(directory, 'web.sock');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function listen(file: string): Promise<net.Server> {
  const server = net.createServer((socket) => socket.destroy()).listen(file);
  await once(server, 'listening');
  return server;
}

/** What a process leaves that was killed: a socket without a listener. */
async function leaveSocket(file: string): Promise<void> {
  const server = await listen(`${file}.live`);
  renameSync(`${file}.live`, file);
  await new Promise((resolve) => server.close(resolve));
  // A process that another test's thread has just forked has the listener, too, until it is another program.
  await expect.poll(() => connectProblem(file)).toBe('ECONNREFUSED');
}

test('an empty place is free, and a leftover makes room', async () => {
  expect(await clearSocketPlace(place)).toBeUndefined();
  await leaveSocket(place);
  expect(existsSync(place)).toBe(true);
  expect(await clearSocketPlace(place)).toBeUndefined();
  expect(existsSync(place)).toBe(false);
});

test("a file of the user's is never replaced", async () => {
  writeFileSync(place, 'precious');
  expect(await clearSocketPlace(place)).toEqual({
    message: `host socket ${place}: the file is there and is not a socket`,
    hint: 'move it away, or choose another path; krun does not replace it',
  });
  expect(readFileSync(place, 'utf8')).toBe('precious');
  await removeSocket(place);
  expect(existsSync(place)).toBe(true);
});

test('a link to a leftover socket is not followed', async () => {
  await leaveSocket(`${place}.other`);
  symlinkSync(`${place}.other`, place);
  expect((await clearSocketPlace(place))?.message).toContain('is not a socket');
  expect(existsSync(`${place}.other`)).toBe(true);
});

test('a socket that somebody listens on is in use', async () => {
  const server = await listen(place);
  try {
    expect((await clearSocketPlace(place))?.message).toBe(
      `host socket ${place} is in use by another process`,
    );
    expect(existsSync(place)).toBe(true);
  } finally {
    server.close();
  }
});

test('a directory that is missing and a path that is too long are told', async () => {
  expect(await clearSocketPlace(path.join(directory, 'no', 'web.sock'))).toEqual({
    message: `host socket ${directory}/no/web.sock: ${directory}/no is not a directory`,
    hint: 'make the directory first',
  });
  const long = path.join(directory, 'x'.repeat(103));
  expect((await clearSocketPlace(long))?.message).toContain('bytes; the system takes 103');
});

test('a path that the system refuses is told', async () => {
  symlinkSync('loop', path.join(directory, 'loop'));
  expect((await clearSocketPlace(path.join(directory, 'loop', 'web.sock')))?.message).toContain('ELOOP');
});
