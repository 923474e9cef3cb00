import { bindProblem } from '../host/ports.ts';
import { portCarrier } from '../project/port-carrier.ts';
import type { BoundPort } from '../network/api.ts';
import type { Machine } from '../project/project.ts';
import type { Layout } from '../store/layout.ts';
import { readLeases, writeLeases } from '../store/record-files.ts';
import type { Endpoint, Leases, MachineRecord } from '../store/records.ts';
import { ActionFailure } from './failure.ts';
import { chooseAddress, withAddress } from './lease-addresses.ts';
import { bindPorts, withPorts } from './lease-ports.ts';

/** What was chosen for a machine, and what is to be remembered of it. */
interface Choice {
  readonly endpoint: Endpoint;
  readonly leases: Leases;
  readonly isNew: boolean;
}

/** Chooses addresses and ports of machines, and remembers what it chose for as long as there is the project's state. */
export class LeaseBook {
  readonly #layout: Layout;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** What the machine has of its networks; `held` are ports that it has bound already. One machine at a time. */
  take(
    definition: Machine,
    others: readonly MachineRecord[],
    held: readonly BoundPort[] = [],
  ): Promise<Endpoint> {
    if (definition.networks.length === 0) return Promise.resolve({ interfaces: [], ports: [] });
    const taken = this.#turn.then(() => this.#take(definition, others, held));
    this.#turn = taken.catch(() => undefined);
    return taken;
  }

  /** What the machine would have of its networks now; nothing is remembered. */
  async preview(definition: Machine, others: readonly MachineRecord[]): Promise<Endpoint> {
    return (await this.#choose(definition, others, [])).endpoint;
  }

  async #take(
    definition: Machine,
    others: readonly MachineRecord[],
    held: readonly BoundPort[],
  ): Promise<Endpoint> {
    const { endpoint, leases, isNew } = await this.#choose(definition, others, held);
    if (isNew) await writeLeases(this.#layout, leases);
    return endpoint;
  }

  async #choose(
    definition: Machine,
    others: readonly MachineRecord[],
    held: readonly BoundPort[],
  ): Promise<Choice> {
    const before = await this.#read();
    const { name: machine, ports } = definition;
    let { addresses } = before;
    const interfaces: Endpoint['interfaces'][number][] = [];
    for (const attachment of definition.networks) {
      const { network, mac } = attachment;
      if (network.driver === 'tsi') continue;
      const ip = chooseAddress({ machine, attachment, leased: addresses, others });
      if (ip !== undefined) addresses = withAddress(addresses, network.name, machine, ip);
      const device = `eth${interfaces.length}`;
      interfaces.push({ network: network.name, device, mac, ...(ip === undefined ? {} : { ip }) });
    }
    const bound = await bindPorts({
      project: this.#layout.id,
      machine,
      ports: portCarrier(definition.networks) ? ports : [],
      leased: before.ports,
      others,
      held,
      isFree: async (...port) => (await bindProblem(...port)) === undefined,
    });
    const leases: Leases = {
      ...before,
      addresses,
      ports: withPorts(before.ports, machine, ports, bound),
    };
    const isNew = leases.addresses !== before.addresses || leases.ports !== before.ports;
    return { endpoint: { interfaces, ports: bound }, leases, isNew };
  }

  async #read(): Promise<Leases> {
    const leases = await readLeases(this.#layout);
    if (!leases.ok) throw ActionFailure.from(leases.error);
    return leases.value;
  }
}
