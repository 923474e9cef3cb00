import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { libc } from '../../../src/host/libc.ts';
import {
  connectUnix,
  MOST_SOCKET_PATH_BYTES,
  setReceiveTimeout,
  socketPair,
} from '../../../src/host/unix-sockets.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(path.join(os.tmpdir(), 'krun-us-'));
});
afterEach(() => rmSync(base, { recursive: true }));

async function received(fd: number): Promise<string> {
  const bytes = new Uint8Array(100);
  const length = await libc().recvLater(fd, bytes, 0);
  return length < 0 ? 'nothing' : Buffer.from(bytes.subarray(0, length)).toString();
}

describe('a connection', () => {
  it('carries bytes both ways, over the longest path that the system takes', async () => {
    const file = path.join(base, 'x'.repeat(MOST_SOCKET_PATH_BYTES - base.length - 1));
    const server = net.createServer((socket) => socket.write('hello')).listen(file);
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[net.Socket]>;
    const fd = connectUnix('stream', file);
    const [socket] = await accepted;
    expect(await received(fd)).toBe('hello');
    libc().send(fd, Buffer.from('world'), 5, 0);
    expect(String((await once(socket, 'data'))[0])).toBe('world');
    libc().close(fd);
    await once(socket, 'close');
    server.close();
  });

  it.each([
    ['ENOENT', 'none'],
    ['ECONNREFUSED', 'file'],
  ])('fails with %s', (code, name) => {
    writeFileSync(path.join(base, 'file'), '');
    expect(() => connectUnix('stream', path.join(base, name))).toThrow(expect.objectContaining({ code }));
  });

  it('fails with EPROTOTYPE for a socket of the other kind', async () => {
    const file = path.join(base, 's');
    const server = net.createServer().listen(file);
    await once(server, 'listening');
    expect(() => connectUnix('datagram', file)).toThrow(expect.objectContaining({ code: 'EPROTOTYPE' }));
    server.close();
  });
});

describe('a pair', () => {
  it('is told when the other end is closed, although a program was started meanwhile', async () => {
    const [own, other] = socketPair('stream');
    const child = spawn('sleep', ['100'], { stdio: ['ignore', 'ignore', 'ignore'] });
    await once(child, 'spawn');
    libc().close(other);
    expect(await received(own)).toBe('');
    child.kill();
    libc().close(own);
  });

  it('waits no longer than it is told to', async () => {
    const [own, other] = socketPair('datagram', { sendBytes: 65_536, receiveBytes: 1_048_576 });
    setReceiveTimeout(own, 20);
    expect(await received(own)).toBe('nothing');
    setReceiveTimeout(own, 0);
    libc().send(other, Buffer.from('frame'), 5, 0);
    expect(await received(own)).toBe('frame');
    libc().close(own);
    libc().close(other);
  });
});
