import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import type { MachineSpec } from '../../../src/machine/spec.ts';
import type { SessionEnd, SessionRequest } from '../../../src/session/api.ts';
import { openSession, type Session } from '../../../src/session/client.ts';
import { runSession, type RunSessionOptions } from '../../../src/session/run-session.ts';
import { bootstrapGuest } from '../../unit/machine/specs.ts';
import { MachineProcesses, type MachineProcess } from './machine-process.ts';

type Guest = Parameters<typeof bootstrapGuest>[0];

/** Words that run a script; further words are its arguments. */
export function sh(script: string, ...words: readonly string[]): readonly string[] {
  return ['/bin/sh', '-c', script, 'sh', ...words];
}

/** A request without what most tests do not care about. */
export function request(command: readonly string[], more: Partial<SessionRequest> = {}): SessionRequest {
  return { command, environment: {}, stdin: false, ...more };
}

/** Guests over the stand-in that run for their sessions. */
export class TestGuests {
  readonly base: string = mkdtempSync(path.join(os.tmpdir(), 'krun-se-'));
  readonly #machines = new MachineProcesses(this.base);

  /** Boots a guest and waits until it is ready; the faults are those of fake-libkrun.c. */
  async boot(
    guest: Guest = {},
    faults: readonly string[] = [],
    more: Partial<MachineSpec> = {},
  ): Promise<TestGuest> {
    const booted = this.start(guest, faults, more);
    await booted.machine.wrote('status', 'ready');
    return booted;
  }

  start(guest: Guest = {}, faults: readonly string[] = [], more: Partial<MachineSpec> = {}): TestGuest {
    writeFileSync(path.join(this.base, 'root/.fake'), `${faults.join('\n')}\n`);
    const machine = this.#machines.start('web', {
      guest: bootstrapGuest({ command: sh('exec sleep 1000'), ...guest }),
      ...more,
    });
    return new TestGuest(machine);
  }

  async end(): Promise<void> {
    await this.#machines.end();
    // A guest goes a moment after its machine process.
    rmSync(this.base, { recursive: true, maxRetries: 5 });
  }
}

/** One guest, as a client of its machine process sees it. */
export class TestGuest {
  readonly machine: MachineProcess;

  constructor(machine: MachineProcess) {
    this.machine = machine;
  }

  get socket(): string {
    return this.machine.spec.controlSocket;
  }

  async open(command: readonly string[], more: Partial<SessionRequest> = {}): Promise<Session> {
    const opened = await openSession(this.socket, request(command, more));
    if (!opened.ok) throw new Error(opened.error.message);
    return opened.value;
  }

  /** The end of a session, or why there was none; what it printed is with it. */
  async run(
    command: readonly string[],
    { input, ...more }: Partial<SessionRequest> & Pick<RunSessionOptions, 'input'> = {},
  ): Promise<object> {
    const options = input === undefined ? {} : { input };
    const done = await runSession(this.socket, request(command, more), options);
    if (!done.ok) return done.error;
    const { timedOut: _, ...rest } = done.value;
    return rest;
  }

  /** The end of a session whose output does not matter. */
  async ended(command: readonly string[], more: Partial<SessionRequest> = {}): Promise<SessionEnd> {
    return endOf(await this.open(command, more));
  }
}

/** Reads a session to its end. */
export function endOf(session: Session): Promise<SessionEnd> {
  session.stdout.resume();
  session.stderr.resume();
  return session.end;
}

/** Reads until the text has come; throws where the stream ends without it. */
export async function says(stream: Readable, text: string): Promise<string> {
  let seen = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    seen += String(chunk);
    if (seen.includes(text)) return seen;
  }
  throw new Error(`the stream ended without ${JSON.stringify(text)}: ${JSON.stringify(seen.slice(-200))}`);
}
