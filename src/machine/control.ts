import { closeSync, existsSync, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { watchPath } from '../host/watch.ts';
import { watchClock } from './clock-watch.ts';
import type { ConsoleEnds } from './console-ends.ts';
import { ControlLines } from './control-lines.ts';
import { serveControl } from './control-server.ts';
import { performLastActs } from './last-acts.ts';
import type { SessionGround } from './session-server.ts';
import type { MachineSpec } from './spec.ts';
import { parseStatus, readStatus, type GuestStatus } from './status-file.ts';

/** libkrun 1.17 sometimes does not end after the guest did; by then everything has been written. */
const EXIT_GRACE_MS = 3000;
const UNWATCHED_POLL_MS = 1000;

/** Connects the socket and the process's own signals with the guest. */
export async function takeControl(spec: MachineSpec, ends: ConsoleEnds | undefined): Promise<void> {
  const agent = ends && new Agent(spec, ends);
  const stop = stopper(spec, agent);
  process.on('SIGTERM', () => stop.ask());
  process.on('SIGINT', () => stop.ask());
  // Whoever closes a terminal or ends a session does not end detached machines.
  process.on('SIGHUP', () => undefined);
  // What a terminal prints before anybody asks is output, too.
  if (ends?.tty !== undefined) await agent?.ground();
  await serveControl(spec.controlSocket, {
    isStopping: () => stop.isStopping(),
    stop: (signal) => stop.ask(signal),
    hardStop: endProcess,
    session: (socket) => serve(socket, spec, agent),
  });
  if (agent) watchClock((seconds) => compareClock(agent, seconds));
  endWithGuest(spec.files.status, (reason) => agent?.lose(reason));
}

/** The agent in the guest. What sessions need is loaded with the first one, not before the guest's start. */
class Agent {
  readonly control: ControlLines;
  readonly #spec: MachineSpec;
  readonly #ends: ConsoleEnds;
  #ground: Promise<SessionGround> | undefined;

  constructor(spec: MachineSpec, ends: ConsoleEnds) {
    this.#spec = spec;
    this.#ends = ends;
    this.control = new ControlLines(ends.control);
  }

  ground(): Promise<SessionGround> {
    this.#ground ??= this.#open();
    return this.#ground;
  }

  async #open(): Promise<SessionGround> {
    const { guest, files } = this.#spec;
    if (guest.kind !== 'bootstrap') throw new Error('no agent');
    const { createGround } = await import('./session-ground.ts');
    return createGround(guest, { ends: this.#ends, control: this.control }, files.stdout);
  }

  lose(reason: string): void {
    const tell = ({ pool, workload }: SessionGround): void => {
      pool.lose(reason);
      workload.lose(reason);
    };
    this.#ground?.then(tell, () => undefined);
  }
}

interface Stopper {
  isStopping(): boolean;
  /** With the machine's own signal, or its stop command, unless a signal is named. */
  ask(signal?: string): void;
}

function stopper(spec: MachineSpec, agent: Agent | undefined): Stopper {
  let isStopping = false;

  function ask(named?: string): void {
    const signal = named ?? spec.stopSignal;
    const wasStopping = isStopping;
    // Any other signal may mean anything to the guest's command.
    isStopping ||= signal === spec.stopSignal;
    // libkrun 1.x has no way to ask a guest that runs without krun's script.
    if (!agent) return endProcess();
    const send = (): void => agent.control.send('signal', signal.replace(/^SIG/, ''));
    const hasCommand = spec.guest.kind === 'bootstrap' && (spec.guest.stopCommand?.length ?? 0) > 0;
    const isByCommand = hasCommand && named === undefined && !wasStopping && statusOf(spec).isReady;
    if (isByCommand) runStopCommand(spec, agent, send).catch(send);
    else send();
  }

  return { isStopping: () => isStopping, ask };
}

async function runStopCommand(spec: MachineSpec, agent: Agent, send: () => void): Promise<void> {
  if (spec.guest.kind !== 'bootstrap') return;
  const [{ stopByCommand }, { pool }] = await Promise.all([import('./guest-stop.ts'), agent.ground()]);
  stopByCommand(pool, spec.guest, send);
}

async function serve(socket: Socket, spec: MachineSpec, agent: Agent | undefined): Promise<void> {
  const { serveSession } = await import('./session-server.ts');
  await serveSession(socket, await agent?.ground(), () => statusOf(spec));
}

function compareClock(agent: Agent, seconds: number): void {
  agent.control.send('clock', seconds);
  // What it says to that is told there.
  agent.ground().catch((error: unknown) => process.stderr.write(`krun: ${String(error)}\n`));
}

function statusOf({ files }: MachineSpec): GuestStatus {
  return parseStatus(readStatus(files.status));
}

/** Ends the machine at once. */
export function endProcess(): void {
  performLastActs('process');
  process.kill(process.pid, 'SIGKILL');
}

/** Ends the process when the guest has ended, and when the project's state was deleted: nobody would find it any more. */
function endWithGuest(statusFile: string, hasEnded: (reason: string) => void): void {
  // It must exist to be watched.
  closeSync(openSync(statusFile, 'a', 0o600));
  let timer: NodeJS.Timeout | undefined;
  const check = (): void => {
    if (!existsSync(statusFile)) return endProcess();
    const { exitCode } = parseStatus(readStatus(statusFile));
    if (exitCode === undefined) return;
    watch.close();
    clearInterval(timer);
    hasEnded(`the machine has ended with exit code ${exitCode}`);
    performLastActs('guest');
    setTimeout(endProcess, EXIT_GRACE_MS);
  };
  const watch = watchPath(statusFile, check);
  // A user has 128 watchers on most systems, and more machines than that are possible.
  if (!watch.active) timer = setInterval(check, UNWATCHED_POLL_MS);
}
