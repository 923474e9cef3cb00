import type net from 'node:net';
import { err, ok, type Result } from '../base/result.ts';
import type { LinkCounters, Member, MemberStatus, NetworkState, Refusal } from './api.ts';
import { forwardOf } from './forward.ts';
import { openGuestTunnel } from './guest-tunnel.ts';
import type { GvproxyApi } from './gvproxy-api.ts';
import type { Links } from './links.ts';
import type { PublishedPorts } from './published-ports.ts';
import { NETWORK_SPEC_VERSION } from './spec.ts';
import type { Switch } from './switch.ts';
import { Turns } from './turns.ts';
import type { UplinkKeeper, UplinkPhase } from './uplink.ts';

export interface NetworkParts {
  readonly run: number;
  /** Address of the way out, where krun knows it. */
  readonly gateway?: string;
  readonly uplink: UplinkKeeper;
  readonly ports: PublishedPorts;
  /** Absent where the members have links of their own. */
  readonly lan?: { readonly switch: Switch; readonly links: Links; readonly gvproxy: GvproxyApi };
}

/** How long a member waits for an uplink that is being started again; longer than the first start may take. */
const SETTLE_MS = 20_000;

const NO_FRAMES: LinkCounters = { frames: 0, bytes: 0, dropped: 0 };

/** The members of one network, and all that belongs to each: name, link, ports. */
export class Network {
  readonly #parts: NetworkParts;
  readonly #members = new Map<string, Member>();
  readonly #turns = new Turns();
  #isClosing = false;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#parts.uplink.start();
  }

  state(): NetworkState {
    const { run, gateway, uplink } = this.#parts;
    const { helper, phase } = uplink;
    return {
      version: NETWORK_SPEC_VERSION,
      run,
      status: phase.status,
      ...('message' in phase && { reason: phase.message }),
      ...('hint' in phase && phase.hint !== undefined && { hint: phase.hint }),
      ...(gateway !== undefined && { gateway }),
      ...(helper && { helper }),
      members: Object.fromEntries(
        [...this.#members].map(([name, member]) => [name, this.#statusOf(name, member)]),
      ),
    };
  }

  /** Adds a member, or changes it in place: what stays equal is not touched. */
  async putMember(name: string, member: Member): Promise<Result<MemberStatus, Refusal>> {
    const { uplink } = this.#parts;
    const phase = await uplink.settled(SETTLE_MS);
    const down = downRefusal(phase);
    if (down) return err(down);
    return this.#turns.take(async () => {
      if (this.#isClosing) return err({ message: 'the network ends' });
      const problem = await this.#join(name, member);
      if (problem) return err(problem);
      this.#members.set(name, member);
      return ok(this.#statusOf(name, member));
    });
  }

  deleteMember(name: string): Promise<void> {
    return this.#turns.take(async () => {
      const { ports, lan } = this.#parts;
      await lan?.links.close(name);
      lan?.switch.removeMember(name);
      await ports.remove(name);
      this.#members.delete(name);
    });
  }

  /** A connection to a TCP port of a member; resolves when it has accepted, or will not. */
  async connect(name: string, port: number, signal: AbortSignal): Promise<Result<net.Socket, Refusal>> {
    const { lan } = this.#parts;
    const member = this.#members.get(name);
    const handshakes = lan?.switch.handshakes(name);
    if (!lan || !member || !handshakes)
      return err({ message: `no machine ${name} is connected to the network` });
    if (!lan.switch.counters(name)?.connected) return err({ message: `machine ${name} is not connected` });
    return openGuestTunnel(lan.gvproxy, { ip: member.ip, port, handshakes, signal });
  }

  /** Ends the uplink and removes all sockets. */
  close(): Promise<void> {
    this.#isClosing = true;
    return this.#turns.take(async () => {
      const { lan, ports, uplink } = this.#parts;
      await lan?.links.closeAll();
      lan?.switch.close();
      // A helper closes its ports by ending, also one that hangs.
      await uplink.stop();
      await ports.close();
    });
  }

  /** The steps that can fail come first, so that there is little to take back. */
  async #join(name: string, member: Member): Promise<Refusal | undefined> {
    const { lan, ports } = this.#parts;
    const conflict = lan?.switch.conflict(name, member);
    if (conflict !== undefined) return { message: conflict };
    const before = this.#members.get(name);
    if (lan && member.linkSocket !== undefined) {
      const problem = await lan.links.open(name, member.linkSocket);
      if (problem) return problem;
    }
    const problem = await ports.apply(
      name,
      member.ports.map((port) => forwardOf(port, member.ip)),
    );
    if (problem) {
      await this.#restoreLink(name, before);
      return problem;
    }
    if (member.linkSocket === undefined) await lan?.links.close(name);
    lan?.switch.setMember(name, member);
    return undefined;
  }

  async #restoreLink(name: string, before: Member | undefined): Promise<void> {
    const links = this.#parts.lan?.links;
    if (before?.linkSocket === undefined) await links?.close(name);
    else await links?.open(name, before.linkSocket);
  }

  #statusOf(name: string, member: Member): MemberStatus {
    const counters = this.#parts.lan?.switch.counters(name);
    return {
      ...member,
      connected: counters?.connected ?? false,
      sent: counters?.sent ?? NO_FRAMES,
      received: counters?.received ?? NO_FRAMES,
    };
  }
}

function downRefusal(phase: UplinkPhase): Refusal | undefined {
  switch (phase.status) {
    case 'ready':
      return undefined;
    case 'starting':
      return { message: 'the network is not ready yet' };
    case 'failed':
    case 'recovering': {
      const { message, hint } = phase;
      return { message, ...(hint === undefined ? {} : { hint }) };
    }
  }
}
