import { PREFIX_BYTES, isForSeveral, macAt, type Mac } from './ethernet.ts';
import type { FrameSink } from './frame-splitter.ts';
import { Link, SentCounters, type LinkEvents } from './link.ts';
import type { Outlet } from './outlet.ts';
import { RunCollector } from './run-collector.ts';

/** What the uplink knows of the members. */
export interface Members {
  portOf(mac: Mac): { readonly link: Link } | undefined;
  outlets(): Iterable<Outlet>;
}

/** The place of gvproxy at the switch; what it sends is believed. */
export class UplinkPort implements FrameSink {
  readonly link: Link;
  readonly sent: SentCounters = new SentCounters();
  readonly #members: Members;
  readonly #runs: RunCollector = new RunCollector(this, () => undefined);

  constructor(members: Members, down: LinkEvents['down']) {
    this.#members = members;
    this.link = new Link(this, { chunkDone: () => this.#runs.flush(), down });
  }

  runt(): void {
    this.sent.dropped++;
  }

  frame(bytes: Buffer, start: number, end: number): void {
    const at = start + PREFIX_BYTES;
    this.sent.frames++;
    this.sent.bytes += end - at;
    const port = this.#members.portOf(macAt(bytes, at));
    if (port) this.#runs.add(port.link.outlet, bytes, start, end);
    else if (isForSeveral(bytes, at)) this.#runs.addForAll(this.#members.outlets(), bytes, start, end);
    else this.sent.dropped++;
  }
}
