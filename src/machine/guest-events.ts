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

/** Cuts what comes from the guest into lines. */
export class EventLines {
  #rest = '';

  push(chunk: string): readonly string[] {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-LONGEST_LINE);
    return lines;
  }
}

/** Undefined for lines of a later version, and for what is none. */
export function parseEvent(line: string): GuestEvent | undefined {
  const [, kind, serial, text = ''] = /^(started|error|exit|terminal) (\d{1,15})(?: (.*))?$/.exec(line) ?? [];
  if (kind === undefined) return undefined;
  return { kind: kind as GuestEvent['kind'], serial: Number(serial), text };
}

/** What a line of the agent about no session means, for people; undefined for others. */
export function parseNotice(line: string): string | undefined {
  const [, seconds] = /^clock (-?\d{1,15})$/.exec(line) ?? [];
  if (seconds !== undefined) {
    const side = seconds.startsWith('-') ? 'behind' : 'ahead';
    return `the guest's clock was ${seconds.replace('-', '')} s ${side}, and is set`;
  }
  return line === 'missing date' ? 'the guest has no date, so its clock is not corrected' : undefined;
}

/** Hands every event to the session that it is about. */
export class GuestEvents {
  readonly #listeners = new Map<number, (event: GuestEvent) => void>();

  constructor(fd: number, notice: (text: string) => void) {
    const lines = new EventLines();
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      for (const line of lines.push(String(text))) {
        const event = parseEvent(line);
        const told = parseNotice(line);
        if (event) this.#listeners.get(event.serial)?.(event);
        else if (told !== undefined) notice(told);
      }
    });
  }

  listen(serial: number, listener: (event: GuestEvent) => void): void {
    this.#listeners.set(serial, listener);
  }

  forget(serial: number): void {
    this.#listeners.delete(serial);
  }
}
