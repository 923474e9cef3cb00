import type { Diagnostic } from '../base/diagnostic.ts';

/** What a builder was told, and what was wrong with it. */
export interface Known<State> {
  readonly state: State;
  readonly mistakes: readonly Diagnostic[];
}

let read: <State extends object>(part: Part<State>) => Known<State>;

/**
 * What all builders are: immutable values. A method leaves its builder as it is and returns another one that knows more,
 * so a builder can be kept and gone on from several times. Mistakes are collected, and thrown by `build`.
 */
export abstract class Part<State extends object> {
  readonly #known: Known<State>;

  static {
    read = (part) => part.#known;
  }

  constructor(known: Known<State>) {
    this.#known = known;
  }

  /** The same builder with a change of what it knows, and whatever is wrong with the change. */
  protected with(change: Partial<State>, ...mistakes: readonly (Diagnostic | undefined)[]): this {
    const { state, mistakes: earlier } = this.#known;
    const known: Known<State> = {
      state: { ...state, ...change },
      mistakes: [...earlier, ...mistakes.filter((entry) => entry !== undefined)],
    };
    const Builder = this.constructor as new (known: Known<State>) => this;
    return new Builder(known);
  }

  /** What it was told so far. */
  protected get state(): State {
    return this.#known.state;
  }
}

/** What a builder knows; not one of its methods, for it is nothing for its callers. */
export function knownOf<State extends object>(part: Part<State>): Known<State> {
  return read(part);
}

/** The beginning of a builder. */
export function known<State>(state: State): Known<State> {
  return { state, mistakes: [] };
}
