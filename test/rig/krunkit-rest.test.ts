import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveRest } from '../../src/krunkit/rest.ts';
import type { VmControl } from '../../src/machine/vm-rest.ts';
import { rest } from './support/krunkit.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'kr-kr-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** A machine, and what was asked of it. */
function machine(canStop: boolean): VmControl & { readonly asked: readonly string[] } {
  const asked: string[] = [];
  return {
    asked,
    canStop: () => canStop,
    isStopping: () => false,
    stop: () => asked.push('stop'),
    hardStop: () => asked.push('hard stop'),
    inspect: () => ({}),
  };
}

type Place = Parameters<typeof serveRest>[0];

async function served(place: Place, control: VmControl): Promise<{ uri: string } & AsyncDisposable> {
  const service = await serveRest(place, control);
  if (!service.ok) throw new Error(service.error.message);
  const { server, uri } = service.value;
  return {
    uri,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const LOOPBACK: Place = { kind: 'tcp', host: '127.0.0.1', port: 0 };

function portOf({ uri }: { readonly uri: string }): number {
  return Number(/\d+$/.exec(uri)?.[0]);
}

test('a guest that cannot be asked to stop is ended by HardStop only, and that is told', async () => {
  const control = machine(false);
  const file = path.join(directory, 'rest');
  await using _service = await served({ kind: 'unix', path: file }, control);
  expect(await rest(file, 'GET', '/vm/state')).toMatchObject({
    body: { canStop: false, canHardStop: true },
  });
  expect(await rest(file, 'POST', '/vm/state', { body: '{"state":"Stop"}' })).toMatchObject({ status: 501 });
  expect(control.asked).toEqual([]);
  await rest(file, 'POST', '/vm/state', { body: '{"state":"HardStop"}' });
  expect(control.asked).toEqual(['hard stop']);
});

test('a body that is far too long is refused with words', async () => {
  await using service = await served(LOOPBACK, machine(true));
  expect(await rest(portOf(service), 'POST', '/vm/state', { body: 'x'.repeat(1_000_000) })).toEqual({
    status: 413,
    body: { error: 'the body has more than 4096 bytes' },
  });
});

test('a page whose name has come to mean this host is not answered over tcp', async () => {
  await using service = await served(LOOPBACK, machine(true));
  const port = portOf(service);
  const get = (host: string): Promise<unknown> => rest(port, 'GET', '/vm/inspect', { headers: { host } });
  for (const host of ['example.com', `example.com:${port}`, 'localhost.example.com', '127.0.0.1.example.com'])
    expect(await get(host)).toMatchObject({ status: 403 });
  for (const host of ['localhost', `localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, '192.168.1.1'])
    expect(await get(host)).toEqual({ status: 200, body: {} });
});
