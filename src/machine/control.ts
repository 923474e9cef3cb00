import type { Socket } from 'node:net';
import { watchPath } from '../host/watch.ts';
import { watchClock } from './clock-watch.ts';
import type { ConsoleEnds } from './console-ends.ts';
import { ControlLines } from './control-lines.ts';
import { serveControl } from './control-server.ts';
import { changesUser } from './host-user.ts';
import { performLastActs } from './last-acts.ts';
import type { OpenStatus } from './open-status.ts';
import type { PowerButton } from './power-button.ts';
import type { SessionGround } from './session-server.ts';
import type { MachineSpec } from './spec.ts';
import { parseStatus, type GuestStatus } from './status-file.ts';

/** libkrun 1.17 sometimes does not end after the guest did; by then everything has been written. */
const EXIT_GRACE_MS = 3000;
const UNWATCHED_POLL_MS = 1000;

/** What a machine process controls its guest by. */
export interface Controls {
  /** Of a guest that has the agent. */
  readonly ends: ConsoleEnds | undefined;
  readonly status: OpenStatus;
  readonly button: PowerButton;
}

/** Connects the socket and the process's own signals with the guest. */
export async function takeControl(spec: MachineSpec, controls: Controls): Promise<void> {
  const { ends, status } = controls;
  const agent = ends && new Agent(spec, ends);
  const statusOf = (): GuestStatus => parseStatus(status.text());
  const stop = stopper(spec, agent, { statusOf, button: controls.button });
  process.on('SIGTERM', () => stop.ask());
  process.on('SIGINT', () => stop.ask());
  // Whoever closes a terminal or ends a session does not end detached machines.
  process.on('SIGHUP', () => undefined);
  // What a terminal prints before anybody asks is output, too.
  if (ends?.tty !== undefined || changesUser(spec)) await agent?.ground();
  // The user that the process becomes may not read krun's own files.
  if (changesUser(spec)) {
    await Promise.all([import('./session-server.ts'), import('./guest-stop.ts'), import('./inspect.ts')]);
  }
  await serveControl(spec.controlSocket, {
    isStopping: () => stop.isStopping(),
    // A guest without agent is ended.
    canStop: () => true,
    stop: (signal) => stop.ask(signal),
    hardStop: endProcess,
    inspect: async () => (await import('./inspect.ts')).inspect(spec),
    session: (socket) => serve(socket, agent, statusOf),
  });
  if (agent) watchClock((seconds) => compareClock(agent, seconds));
  endWithGuest(spec.files.status, status, (reason) => agent?.lose(reason));
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

interface StopMeans {
  readonly statusOf: () => GuestStatus;
  readonly button: PowerButton;
}

function stopper(spec: MachineSpec, agent: Agent | undefined, { statusOf, button }: StopMeans): Stopper {
  let isStopping = false;

  function ask(named?: string): void {
    const signal = named ?? spec.stopSignal;
    const wasStopping = isStopping;
    // Any other signal may mean anything to the guest's command.
    isStopping ||= signal === spec.stopSignal;
    // Elsewhere libkrun 1.x has no way to ask a guest that runs without krun's script.
    if (!agent) return button.press() ? undefined : endProcess();
    const send = (): void => agent.control.send('signal', signal.replace(/^SIG/, ''));
    const hasCommand = spec.guest.kind === 'bootstrap' && (spec.guest.stopCommand?.length ?? 0) > 0;
    const isByCommand = hasCommand && named === undefined && !wasStopping && statusOf().isReady;
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

async function serve(socket: Socket, agent: Agent | undefined, statusOf: () => GuestStatus): Promise<void> {
  const { serveSession } = await import('./session-server.ts');
  await serveSession(socket, await agent?.ground(), statusOf);
}

function compareClock(agent: Agent, seconds: number): void {
  agent.control.send('clock', seconds);
  // What it says to that is told there.
  agent.ground().catch((error: unknown) => process.stderr.write(`krun: ${String(error)}\n`));
}

/** Ends the machine at once. */
export function endProcess(): void {
  performLastActs('process');
  process.kill(process.pid, 'SIGKILL');
}

/** Ends the process when the guest has ended, and when the project's state was deleted: nobody would find it any more. */
function endWithGuest(statusFile: string, status: OpenStatus, hasEnded: (reason: string) => void): void {
  let timer: NodeJS.Timeout | undefined;
  const check = (): void => {
    if (status.isGone()) return endProcess();
    const { exitCode } = parseStatus(status.text());
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
