import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FRAME } from '../../../src/session/api.ts';
import { ClientSession } from '../../../src/session/client-session.ts';
import { encodeFrame } from '../../../src/session/frames.ts';

test('whoever reads more slowly than output comes gets all of it', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'krun-'));
  const server = net.createServer();
  try {
    server.listen(path.join(directory, 's'));
    const client = net.connect(path.join(directory, 's'));
    const [socket] = (await once(server, 'connection')) as [net.Socket];
    const session = new ClientSession(client);
    for (let piece = 0; piece < 60; piece++) {
      const stream = piece % 3 === 0 ? FRAME.stderr : FRAME.stdout;
      socket.write(encodeFrame(stream, Buffer.alloc(50_000, piece)));
    }
    socket.end(encodeFrame(FRAME.end, '{"exitCode":0}'));
    const read = async (stream: ClientSession['stdout']): Promise<number> => {
      let bytes = 0;
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        await turn();
      }
      return bytes;
    };
    expect(await Promise.all([read(session.stdout), read(session.stderr), session.end])).toEqual([
      2_000_000,
      1_000_000,
      { exitCode: 0 },
    ]);
  } finally {
    server.close();
    await rm(directory, { recursive: true });
  }
});
