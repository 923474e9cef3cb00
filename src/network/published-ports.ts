import type { Refusal } from './api.ts';
import { describeHostSide, forwardKey, guestAddress, type Forward } from './forward.ts';
import { Turns } from './turns.ts';

/** Whoever opens ports of the host: gvproxy, or this process itself. */
export interface Publisher {
  /** Undefined when done, otherwise why not. */
  publish(forward: Forward): Promise<Refusal | undefined>;
  /** Closes it where it is open. */
  withdraw(forward: Forward): Promise<void>;
}

interface Published {
  readonly member: string;
  readonly forward: Forward;
}

/** The published ports of all members. What stays between two sets of a member's is not touched. */
export class PublishedPorts {
  readonly #publisher: Publisher;
  readonly #say: (text: string) => void;
  readonly #turns = new Turns();
  /** What is wanted, by host side. */
  readonly #wanted = new Map<string, Published>();
  /** Those of them that could not be published again. */
  readonly #failed = new Set<string>();

  constructor(publisher: Publisher, say: (text: string) => void) {
    this.#publisher = publisher;
    this.#say = say;
  }

  /** Makes exactly these the member's ports; all of them, or nothing is changed. */
  apply(member: string, forwards: readonly Forward[]): Promise<Refusal | undefined> {
    return this.#turns.take(async () => {
      const taken = this.#conflict(member, forwards);
      if (taken) return taken;
      const change = new Change(this.#publisher);
      const problem = await this.#change(change, member, forwards);
      if (problem === undefined) return undefined;
      for (const lost of await change.undo()) this.#say(`${lost.message}; it was open before`);
      return problem;
    });
  }

  /** Closes all of a member's ports. */
  remove(member: string): Promise<void> {
    return this.#turns.take(async () => {
      for (const [key, { forward }] of this.#of(member)) await this.#drop(key, forward);
    });
  }

  /** Publishes all again, after whoever did has lost them. */
  restore(): Promise<void> {
    return this.#turns.take(async () => {
      this.#failed.clear();
      for (const [key, { forward }] of this.#wanted) await this.#publishAgain(key, forward);
    });
  }

  /** Tries those again that could not be restored. */
  retry(): Promise<void> {
    return this.#turns.take(async () => {
      for (const key of this.#failed) {
        const published = this.#wanted.get(key);
        if (published) await this.#publishAgain(key, published.forward);
      }
    });
  }

  async close(): Promise<void> {
    await this.#turns.take(async () => {
      for (const [key, { forward }] of this.#wanted) await this.#drop(key, forward);
    });
  }

  #of(member: string): [string, Published][] {
    return [...this.#wanted].filter(([, published]) => published.member === member);
  }

  #conflict(member: string, forwards: readonly Forward[]): Refusal | undefined {
    for (const forward of forwards) {
      const other = this.#wanted.get(forwardKey(forward));
      if (!other || other.member === member) continue;
      return {
        message: `${describeHostSide(forward)} is published by machine ${other.member} already`,
        hint: 'publish another port',
      };
    }
    return undefined;
  }

  async #change(change: Change, member: string, forwards: readonly Forward[]): Promise<Refusal | undefined> {
    const before = new Map(this.#of(member));
    const after = new Map(forwards.map((forward) => [forwardKey(forward), forward]));
    const added = [...after].filter(([key]) => !before.has(key));
    // What can fail comes first: then there is the least to undo.
    for (const [, forward] of added) {
      const problem = await change.publish(forward);
      if (problem) return problem;
    }
    for (const [key, forward] of after) {
      const old = before.get(key)?.forward;
      if (!old || guestAddress(old) === guestAddress(forward)) continue;
      await change.withdraw(old);
      const problem = await change.publish(forward);
      if (problem) return problem;
    }
    for (const [key, { forward }] of before) if (!after.has(key)) await this.#drop(key, forward);
    for (const [key, forward] of after) this.#wanted.set(key, { member, forward });
    for (const [key] of added) this.#failed.delete(key);
    return undefined;
  }

  async #drop(key: string, forward: Forward): Promise<void> {
    this.#wanted.delete(key);
    this.#failed.delete(key);
    await this.#publisher.withdraw(forward);
  }

  async #publishAgain(key: string, forward: Forward): Promise<void> {
    const problem = await this.#publisher.publish(forward);
    if (problem === undefined) {
      if (this.#failed.delete(key)) this.#say(`${describeHostSide(forward)} is published again`);
    } else if (!this.#failed.has(key)) {
      this.#failed.add(key);
      this.#say(`${problem.message}; krun tries again every 10 s`);
    }
  }
}

/** Steps that can be taken back. */
class Change {
  readonly #publisher: Publisher;
  readonly #undo: (() => Promise<Refusal | undefined>)[] = [];

  constructor(publisher: Publisher) {
    this.#publisher = publisher;
  }

  async publish(forward: Forward): Promise<Refusal | undefined> {
    const problem = await this.#publisher.publish(forward);
    if (problem) return problem;
    this.#undo.push(async () => {
      await this.#publisher.withdraw(forward);
      return undefined;
    });
    return undefined;
  }

  async withdraw(forward: Forward): Promise<void> {
    await this.#publisher.withdraw(forward);
    this.#undo.push(() => this.#publisher.publish(forward));
  }

  /** What could not be taken back. */
  async undo(): Promise<readonly Refusal[]> {
    const lost: Refusal[] = [];
    for (const step of this.#undo.toReversed()) {
      const problem = await step();
      if (problem) lost.push(problem);
    }
    return lost;
  }
}
