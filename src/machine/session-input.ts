/** Where input goes: a slot's port, in frames, or a terminal, as it is. */
export interface InputTarget {
  write(bytes: Buffer, done: () => void): void;
}

/**
 * Input of one session, in order. What has come while earlier input was on its way goes as one piece: each piece costs
 * the guest a process.
 */
export class SessionInput {
  readonly #mode: 'none' | 'input' | 'terminal';
  readonly #target: InputTarget;
  readonly #taken: (bytes: number) => void;
  #waiting: Buffer[] = [];
  #isOpen = false;
  #isWriting = false;
  #isEnded = false;
  /** The end mark is written, or none is needed. */
  #isClosed: boolean;

  constructor(mode: 'none' | 'input' | 'terminal', target: InputTarget, taken: (bytes: number) => void) {
    this.#mode = mode;
    this.#target = target;
    this.#taken = taken;
    this.#isClosed = mode === 'none';
  }

  push(bytes: Buffer): void {
    if (this.#isClosed || this.#isEnded) return this.#taken(bytes.length);
    this.#waiting.push(bytes);
    this.#flush();
  }

  /** The command is there. */
  open(): void {
    this.#isOpen = true;
    this.#flush();
  }

  /** The client has no more. */
  end(): void {
    this.#isEnded = true;
    this.#flush();
  }

  /** The command has ended: what it has not got is dropped, and the port is left as the next session needs it. */
  close(): void {
    const dropped = Buffer.concat(this.#waiting.splice(0)).length;
    if (dropped > 0) this.#taken(dropped);
    this.#isEnded = true;
    this.#isOpen = true;
    this.#flush();
  }

  #flush(): void {
    if (!this.#isOpen || this.#isWriting || this.#isClosed) return;
    const bytes = Buffer.concat(this.#waiting.splice(0));
    if (bytes.length === 0) {
      if (this.#isEnded) this.#writeEnd();
      return;
    }
    this.#isWriting = true;
    const framed = this.#mode === 'input' ? Buffer.concat([Buffer.from(`${bytes.length}\n`), bytes]) : bytes;
    this.#target.write(framed, () => {
      this.#isWriting = false;
      this.#taken(bytes.length);
      this.#flush();
    });
  }

  /** A terminal's input has no end: who wants to send one types it. */
  #writeEnd(): void {
    this.#isClosed = true;
    if (this.#mode === 'input') this.#target.write(Buffer.from('0\n'), () => undefined);
  }
}
