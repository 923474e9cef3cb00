/** Lets one piece of work run at a time, in order of arrival. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    // The next in turn does not care how this one ends; its own caller does.
    this.#last = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }
}
