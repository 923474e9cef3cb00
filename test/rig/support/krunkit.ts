import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { gptDisk, GUIDS, writeDisk } from '../../support/partitioned-disk.ts';
import type { Rig, RunningKrun } from './rig.ts';
import { until } from './until.ts';

/** An init that says when it runs, and ends in order when Ctrl-Alt-Del is pressed. */
export const POLITE_INIT = `#!/bin/sh
trap 'echo in order; exit 0' INT
echo init runs
while :; do sleep 0.05; done
`;

/** A disk image whose second partition is the root of a Linux; the stand-in's guest finds the script as its init. */
export async function bootableDisk(rig: Rig, init: string = POLITE_INIT, name = 'disk.raw'): Promise<string> {
  const root = Buffer.alloc(128 * 1024);
  Buffer.of(0x53, 0xef).copy(root, 0x438);
  const efi = { content: Buffer.alloc(4096), type: GUIDS.efiSystem };
  const disk = gptDisk([efi, { content: root, type: GUIDS.linuxRootX64 }]);
  await rig.write(`${name}.init`, init, 0o755);
  return writeDisk(path.join(rig.directory, name), disk);
}

/** `krun krunkit` with a CPU, memory and the disk. */
export function krunkit(disk: string, ...words: readonly string[]): readonly string[] {
  return ['krunkit', '--cpus', '1', '--memory', '256', '--device', `virtio-blk,path=${disk}`, ...words];
}

/** The machine runs as soon as its process id is in the file `pid`. */
export async function startedKrunkit(rig: Rig, words: readonly string[]): Promise<RunningKrun> {
  const krun = rig.spawn([...words, '--pidfile', 'pid']);
  await krun.waitForOutput(/init runs/);
  return krun;
}

export interface RestAnswer {
  readonly status: number | undefined;
  readonly body: unknown;
}

/** One request to a REST service at a port of the loopback or a unix socket. */
export async function rest(
  where: string | number,
  method: string,
  url: string,
  more: { readonly body?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<RestAnswer> {
  const place = typeof where === 'number' ? { host: '127.0.0.1', port: where } : { socketPath: where };
  const sent = request({ ...place, method, path: url, headers: { ...more.headers }, agent: false });
  sent.end(more.body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return { status: response.statusCode, body: JSON.parse(text) };
}

/** Port of the REST service that was asked for at port 0. */
export async function restPort(krun: RunningKrun): Promise<number> {
  const output = await krun.waitForOutput(/REST service at tcp:\/\/127\.0\.0\.1:\d+/);
  return Number(/127\.0\.0\.1:(\d+)/.exec(output)?.[1]);
}

/** Whether a file is gone, or goes soon. */
export function goes(file: string): Promise<boolean> {
  return until(() => !existsSync(file), { timeoutMs: 10_000 });
}

/** How a `krun` ends that gets an open file as descriptor 3, and what it wrote to stderr. */
export async function withDescriptor(
  rig: Rig,
  args: readonly string[],
  descriptor: number | 'pipe',
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const child = spawn(process.execPath, [rig.program, ...args], {
    cwd: rig.directory,
    env: { ...rig.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe', descriptor],
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = await once(child, 'close');
  return { code: code as number | null, stderr };
}
