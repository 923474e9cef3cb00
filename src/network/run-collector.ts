import type { Outlet, Source } from './outlet.ts';

/** Joins neighbouring frames of a chunk that go the same way, so that they are passed on in one piece, uncopied. */
export class RunCollector {
  readonly #source: Source;
  /** Frames that the outlet had no room for. */
  readonly #lost: (outlet: Outlet, frames: number) => void;
  #outlet: Outlet | undefined;
  #bytes: Buffer | undefined;
  #start = 0;
  #end = 0;
  #frames = 0;
  readonly #touched = new Set<Outlet>();

  constructor(source: Source, lost: (outlet: Outlet, frames: number) => void) {
    this.#source = source;
    this.#lost = lost;
  }

  add(outlet: Outlet, bytes: Buffer, start: number, end: number): void {
    if (outlet === this.#outlet && bytes === this.#bytes && start === this.#end) {
      this.#end = end;
      this.#frames++;
      return;
    }
    this.#cut();
    this.#outlet = outlet;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#frames = 1;
  }

  /** One frame for several; who is not there misses nothing. */
  addForAll(outlets: Iterable<Outlet>, bytes: Buffer, start: number, end: number): void {
    this.#cut();
    const frame = bytes.subarray(start, end);
    for (const outlet of outlets) if (outlet.open) this.#put(outlet, frame, 1);
  }

  /** The chunk is over: every outlet writes what it got. */
  flush(): void {
    this.#cut();
    for (const outlet of this.#touched) outlet.flush();
    this.#touched.clear();
  }

  #cut(): void {
    if (this.#outlet === undefined || this.#bytes === undefined) return;
    this.#put(this.#outlet, this.#bytes.subarray(this.#start, this.#end), this.#frames);
    this.#outlet = undefined;
    this.#bytes = undefined;
  }

  #put(outlet: Outlet, run: Buffer, frames: number): void {
    const dropped = outlet.put(this.#source, run, frames);
    if (dropped > 0) this.#lost(outlet, dropped);
    this.#touched.add(outlet);
  }
}
