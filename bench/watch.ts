import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../src/host/errno.ts';
import { createRig, type Rig } from '../test/rig/support/rig.ts';
import { setup } from '../test/rig/support/setup.ts';
import { startWatch, type Watching } from '../test/rig/support/watching.ts';

const ROUNDS = 40;
const TREE_ROUNDS = 5;
const FILES = 2000;
const FILE_BYTES = 2048;

/** `docker compose watch` waits that long after the last event before it begins (pkg/watch/debounce.go). */
const COMPOSE_QUIET_MS = 500;

/** From a write on the host until the guest has it, or has heard of it. */
export interface LatencyBenchmark {
  readonly name: string;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Against the quiet period of compose alone, by the median. */
  readonly ratio: number;
}

/** The first copy of a tree. */
export interface SyncBenchmark {
  readonly name: string;
  readonly ms: number;
  readonly filesPerSecond: number;
  readonly mebibytesPerSecond: number;
}

export interface WatchBenchmark {
  readonly latency: readonly LatencyBenchmark[];
  readonly sync: readonly SyncBenchmark[];
}

/** Measures `krun watch` and shares with `notify` over the stand-in libkrun, whose guests run on the host. */
export async function run(): Promise<WatchBenchmark> {
  const tearDown = await setup();
  try {
    const latency = [latencyRow('sync', await syncLatency()), latencyRow('notify', await notifyLatency())];
    for (const { name, p50Ms, p95Ms, ratio } of latency) {
      console.log(`${name}: p50 ${p50Ms} ms, p95 ${p95Ms} ms, ${ratio} x compose's quiet period alone`);
    }
    const sync = await throughput();
    for (const { name, ms, filesPerSecond, mebibytesPerSecond } of sync) {
      console.log(`${name}: ${ms} ms, ${filesPerSecond} files/s, ${mebibytesPerSecond} MiB/s`);
    }
    return { latency, sync };
  } finally {
    await tearDown();
  }
}

function latencyRow(name: string, times: readonly number[]): LatencyBenchmark {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number): number => Math.round(sorted[Math.floor(sorted.length * part)] ?? Number.NaN);
  return { name, p50Ms: at(0.5), p95Ms: at(0.95), ratio: Number((at(0.5) / COMPOSE_QUIET_MS).toFixed(2)) };
}

async function writeMachine(rig: Rig, more: string): Promise<void> {
  const machine = `{ root: ./root, command: [/bin/sleep, "1000"], ${more} }`;
  await rig.write('krun.yaml', `name: bench\nmachines:\n  web: ${machine}\n`);
  await rig.write('root/bin/sh', '');
}

async function watching(rig: Rig, args: readonly string[] = []): Promise<Watching> {
  const target = path.join(rig.base, 'guest');
  await writeMachine(rig, `develop: { watch: [{ path: ./src, action: sync, target: ${target} }] }`);
  const watch = startWatch(rig, [...args, 'watch']);
  await watch.waitForOutput(/watching|watch-ready/);
  return watch;
}

async function syncLatency(): Promise<readonly number[]> {
  await using rig = await createRig({ files: { 'src/file': '' } });
  await using _watch = await watching(rig);
  const there = path.join(rig.base, 'guest', 'file');
  await condition(() => textOf(there) === '');
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const text = `round ${round}`;
    times.push(await timeOf(rig, text, () => textOf(there) === text));
  }
  return times;
}

async function notifyLatency(): Promise<readonly number[]> {
  await using rig = await createRig({ files: { 'src/file': '' } });
  const mount = await rig.write('no-mount', '#!/bin/sh\n', 0o755);
  await rig.write('root/.fake', `put ${mount} /usr/bin/mount\n`);
  const there = path.join(rig.base, 'guest', 'file');
  mkdirSync(path.dirname(there));
  writeFileSync(there, '');
  await writeMachine(rig, `shares: [{ source: ./src, target: ${path.dirname(there)}, notify: true }]`);
  await rig.ok(['up', '-d', '--wait']);
  const touched = (): number => lstatSync(there).ctimeMs;
  // The first edits may come before the share is watched.
  for (const before = touched(); touched() === before; await sleep(200)) await rig.write('src/file', 'first');
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    let before = 0;
    const begin = (): void => void (before = touched());
    times.push(await timeOf(rig, `round ${round}`, () => touched() !== before, begin));
  }
  return times;
}

async function timeOf(
  rig: Rig,
  text: string,
  arrived: () => boolean,
  onBegin: () => void = () => undefined,
): Promise<number> {
  // Not in step with anything that ticks, and after everything that the last write has brought about.
  await sleep(300 + Math.random() * 100);
  onBegin();
  const begin = performance.now();
  writeFileSync(path.join(rig.directory, 'src/file'), text);
  await condition(arrived);
  return performance.now() - begin;
}

async function condition(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(1);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return undefined;
  }
}

async function throughput(): Promise<readonly SyncBenchmark[]> {
  const names = Array.from({ length: FILES }, (_, index) => `src/d${index % 40}/file-${index}`);
  await using rig = await createRig({
    files: Object.fromEntries(names.map((name) => [name, 'x'.repeat(FILE_BYTES)])),
  });
  const pipes: number[] = [];
  const syncs: number[] = [];
  // In turns, so that a busy moment hits both alike.
  for (let round = 0; round < TREE_ROUNDS; round++) {
    const piped = path.join(rig.base, 'piped');
    pipes.push(await tarPipe(path.join(rig.directory, 'src'), piped));
    syncs.push(await firstSync(rig));
    for (const place of [piped, path.join(rig.base, 'guest')]) rmSync(place, { recursive: true });
  }
  return [row('tar | tar', median(pipes)), row('first sync, with its comparison', median(syncs))];
}

async function firstSync(rig: Rig): Promise<number> {
  await using watch = await watching(rig, ['--progress', 'json']);
  const told = await watch.waitForOutput(/"watch-step".*\n/);
  const line = told.split('\n').find((text) => text.includes('"watch-step"')) ?? '{}';
  return (JSON.parse(line) as { readonly ms: number }).ms;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

function row(name: string, ms: number): SyncBenchmark {
  const seconds = ms / 1000;
  return {
    name,
    ms: Math.round(ms),
    filesPerSecond: Math.round(FILES / seconds),
    mebibytesPerSecond: Number(((FILES * FILE_BYTES) / 1024 ** 2 / seconds).toFixed(1)),
  };
}

async function tarPipe(from: string, to: string): Promise<number> {
  mkdirSync(to);
  const begin = performance.now();
  const script = 'tar -c -f - -C "$1" . | tar -x -f - -C "$2"';
  const [code] = (await once(spawn('/bin/sh', ['-c', script, 'sh', from, to]), 'exit')) as [number | null];
  if (code !== 0) throw new Error(`tar ended with ${code}`);
  return performance.now() - begin;
}
