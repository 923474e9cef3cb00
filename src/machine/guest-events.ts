import { Socket } from 'node:net';

/** A line of `krun.events` about one session; see docs/guest-protocol.md. */
export interface GuestEvent {
  readonly kind: 'started' | 'error' | 'exit' | 'terminal';
  readonly serial: number;
  /** Text of an error, or the exit code. */
  readonly text: string;
}

/** The guest's root may write what it likes; a line is never that long. */
const LONGEST_LINE = 64 * 1024;

/** Cuts what comes from the guest into events. */
export class EventLines {
  #rest = '';

  push(chunk: string): readonly GuestEvent[] {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-LONGEST_LINE);
    return lines.flatMap((line) => parseEvent(line) ?? []);
  }
}

/** Undefined for lines of a later version, and for what is none. */
export function parseEvent(line: string): GuestEvent | undefined {
  const [, kind, serial, text = ''] = /^(started|error|exit|terminal) (\d{1,15})(?: (.*))?$/.exec(line) ?? [];
  if (kind === undefined) return undefined;
  return { kind: kind as GuestEvent['kind'], serial: Number(serial), text };
}

/** Hands every event to the session that it is about. */
export class GuestEvents {
  readonly #listeners = new Map<number, (event: GuestEvent) => void>();

  constructor(fd: number) {
    const lines = new EventLines();
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      for (const event of lines.push(String(text))) this.#listeners.get(event.serial)?.(event);
    });
  }

  listen(serial: number, listener: (event: GuestEvent) => void): void {
    this.#listeners.set(serial, listener);
  }

  forget(serial: number): void {
    this.#listeners.delete(serial);
  }
}
