import type { SessionRequest } from '../session/api.ts';
import type { ConsoleEnds } from './console-ends.ts';
import type { BootstrapGuest } from './console-ports.ts';
import type { ControlLines } from './control-lines.ts';
import { GuestEvents } from './guest-events.ts';
import { GuestSession, type SessionPeer } from './guest-session.ts';
import { SessionSlot } from './session-slot.ts';
import { TerminalEnd } from './terminal-end.ts';

/** Someone who waits for a slot, and then has a session. */
export interface Waiting {
  readonly request: SessionRequest;
  readonly peer: SessionPeer;
  /** Gets the session when there is one. */
  begin(session: GuestSession): void;
}

/** With fewer slots, none is kept for urgent sessions. */
const LEAST_WITH_RESERVE = 4;

/** All slots of a guest, and who waits for one. */
export class SessionPool {
  readonly #guest: BootstrapGuest;
  readonly #control: ControlLines;
  readonly #events: GuestEvents;
  readonly #slots: readonly SessionSlot[];
  readonly #terminals: readonly TerminalEnd[];
  readonly #waiting: Waiting[] = [];
  readonly #sessions = new Set<GuestSession>();
  #serial = 0;

  constructor(guest: BootstrapGuest, ends: ConsoleEnds, control: ControlLines) {
    this.#guest = guest;
    this.#control = control;
    this.#events = new GuestEvents(ends.events, (text) => process.stderr.write(`krun: ${text}\n`));
    this.#slots = ends.slots.map((slot, index) => new SessionSlot(index, slot));
    this.#terminals = ends.terminals.map((master, index) => new TerminalEnd(index, master));
  }

  get hasTerminals(): boolean {
    return this.#terminals.length > 0;
  }

  /** First come, first served, except for who is urgent. */
  ask(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#serve();
  }

  /** Whoever waits does so no longer. */
  leave(waiting: Waiting): void {
    const index = this.#waiting.indexOf(waiting);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** The guest has ended. */
  lose(error: string): void {
    for (const { peer } of this.#waiting.splice(0)) peer.end({ exitCode: null, error });
    for (const session of this.#sessions) session.lose(error);
  }

  #serve(): void {
    // In this order: the guest makes each slot ready when the one before it is used for the first time.
    for (let slot = this.#freeSlots()[0]; slot; slot = this.#freeSlots()[0]) {
      const terminal = this.#terminals.find(({ isFree }) => isFree);
      const isLast = this.#freeSlots().length === 1 && this.#slots.length >= LEAST_WITH_RESERVE;
      const canBegin = ({ request }: Waiting): boolean =>
        (!isLast || request.urgent === true) && (!request.terminal || terminal !== undefined);
      const able = this.#waiting.filter(canBegin);
      const next = able.find(({ request }) => request.urgent === true) ?? able[0];
      if (!next) return;
      this.leave(next);
      this.#begin(next, slot, next.request.terminal ? terminal : undefined);
    }
  }

  #freeSlots(): readonly SessionSlot[] {
    return this.#slots.filter(({ isFree }) => isFree);
  }

  #begin(waiting: Waiting, slot: SessionSlot, terminal: TerminalEnd | undefined): void {
    this.#serial += 1;
    const place = {
      guest: this.#guest,
      slot,
      ...(terminal ? { terminal } : {}),
      events: this.#events,
      control: this.#control,
      serial: this.#serial,
    };
    const session = new GuestSession(place, waiting.request, waiting.peer);
    this.#sessions.add(session);
    session.onOver = () => {
      this.#sessions.delete(session);
      this.#serve();
    };
    waiting.begin(session);
  }
}
