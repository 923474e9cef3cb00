import { readdir, rm } from 'node:fs/promises';
import { readJsonIfPresent } from '../host/atomic-file.ts';
import { unlessMissing } from '../host/errno.ts';
import { isAlive } from '../host/identity.ts';
import { isActive } from '../plan/machine-state.ts';
import { networkShape, processNetworks, type ProcessNetwork } from '../plan/network-use.ts';
import { restartDelayMs } from '../plan/restart.ts';
import { hasLivePorts as isLive, portCarrier } from '../project/port-carrier.ts';
import type { Machine } from '../project/project.ts';
import { networkLayout } from '../store/layout.ts';
import { readNetworkRecord } from '../store/record-files.ts';
import type { Endpoint, MachineRecord, NetworkRecord } from '../store/records.ts';
import { describeFailure } from './failure.ts';
import { LeaseBook } from './lease-book.ts';
import { memberOf } from './network-member.ts';
import { NetworkKeeper, type NetworkContext } from './network-keeper.ts';
import { PortClaims } from './port-claims.ts';
import { checkPorts } from './ports.ts';
import { readIdentity } from './run-lifetime.ts';

export interface NetworksContext extends NetworkContext {
  /** Records of all machines of the project, as they are now. */
  readonly records: () => readonly MachineRecord[];
  /** The links of all machines on the network are lost. */
  readonly lost: (network: string, reason: string) => void;
  readonly settled: () => void;
}

/** The networks of a project, as far as machines that run need them. */
export class Networks {
  readonly #context: NetworksContext;
  readonly #leases: LeaseBook;
  readonly #claims: PortClaims;
  readonly #keepers: Map<string, NetworkKeeper> = new Map();
  /** How often the process of a network has ended by itself. */
  readonly #losses: Map<string, number> = new Map();

  constructor(context: NetworksContext) {
    this.#context = context;
    this.#leases = new LeaseBook(context.layout);
    this.#claims = new PortClaims(context.layout.runtimeDirectory, context.projectName);
  }

  /** Takes over what earlier supervisors left: adopts the processes that machines still need, ends the others. */
  async recover(): Promise<void> {
    const { layout } = this.#context;
    const names = (await unlessMissing(readdir(layout.networksDirectory))) ?? [];
    await Promise.all(names.map((name) => this.#recover(name)));
  }

  async #recover(name: string): Promise<void> {
    const { layout } = this.#context;
    const files = networkLayout(layout, name);
    const read = await readNetworkRecord(layout, name);
    const record = read.ok ? read.value : undefined;
    const keeper = this.#keeper(name, record);
    const identity = record && (await readIdentity(files, record.run));
    const intent = (await readJsonIfPresent(files.intentFile)) as { run?: unknown } | null | undefined;
    const isCurrent = identity !== undefined && intent?.run === identity.run && isAlive(identity);
    if (record && isCurrent && this.#isWanted(name)) keeper.adopt(identity, networkShape(record.definition));
    else await keeper.clear();
  }

  /** Gives the machine its addresses and ports, and makes it a member of its networks. */
  async join(definition: Machine): Promise<Endpoint> {
    const wanted = processNetworks(definition);
    const ready = Promise.all(
      wanted.map((network) => this.#keeper(nameOf(network)).ensure(network, definition.helpers)),
    );
    // Told by the `await` below, which may come after a failure of the leases.
    ready.catch(() => undefined);
    const endpoint = await this.#leases.take(definition, this.#others(definition.name));
    if (hasLivePorts(definition)) this.#claims.add(definition.name, endpoint.ports);
    await checkPorts(definition.name, endpoint.ports);
    await ready;
    await this.#put(definition, endpoint);
    return endpoint;
  }

  /** A machine that runs goes on: the network may know something else of it, or nothing, or have no process. */
  async rejoin(definition: Machine, endpoint: Endpoint): Promise<void> {
    const replaceable = processNetworks(definition).filter((network) => !carriesLinks(network));
    await Promise.all(
      replaceable.map((network) => this.#keeper(nameOf(network)).ensure(network, definition.helpers)),
    );
    if (hasLivePorts(definition)) this.#claims.add(definition.name, endpoint.ports);
    await this.#put(definition, endpoint);
  }

  /** Ends memberships of machines that do not run. */
  async expelStrangers(): Promise<void> {
    const expel = async (name: string, keeper: NetworkKeeper): Promise<void> => {
      const running = new Set(this.#users(name));
      const members = await keeper.members();
      await Promise.all(members.filter((one) => !running.has(one)).map((one) => keeper.delete(one)));
    };
    await Promise.all([...this.#keepers].map(([name, keeper]) => expel(name, keeper)));
  }

  /** Tells the networks what is new about a machine that runs; fails with nothing changed. */
  async update(definition: Machine, before: Endpoint | undefined): Promise<Endpoint> {
    const endpoint = await this.#leases.take(definition, this.#others(definition.name), before?.ports);
    if (!hasLivePorts(definition)) return endpoint;
    const { name } = definition;
    try {
      this.#claims.add(name, endpoint.ports);
      await checkPorts(name, endpoint.ports, before?.ports);
      await this.#put(definition, endpoint);
      this.#claims.keepOnly(name, endpoint.ports);
      return endpoint;
    } catch (error) {
      this.#claims.keepOnly(name, before?.ports ?? []);
      throw error;
    }
  }

  /** Ends the memberships of a machine whose run is over. */
  async part(definition: Machine): Promise<void> {
    await Promise.all(
      processNetworks(definition).map((network) => this.#keeper(nameOf(network)).delete(definition.name)),
    );
    this.#claims.keepOnly(definition.name, []);
  }

  /** The network whose process is gone, and with it the machine's link. */
  lostBy(definition: Machine): string | undefined {
    const lost = processNetworks(definition).find(
      (network) => carriesLinks(network) && this.#keepers.get(nameOf(network))?.shape !== network.shape,
    );
    return lost && nameOf(lost);
  }

  /** Ends the processes that no machine needs. */
  settle(): void {
    for (const keeper of this.#keepers.values()) {
      keeper.settle().catch((error: unknown) => this.#context.warn(describeFailure(error).message));
    }
  }

  /** Resolves when every start and stop so far is done. */
  async idle(): Promise<void> {
    await Promise.all([...this.#keepers.values()].map((keeper) => keeper.idle()));
  }

  /** After a `down`: files of networks that no machine is on any more. */
  async removeUnused(): Promise<void> {
    const { layout, records } = this.#context;
    const used = new Set(records().flatMap(({ definition }) => processNetworks(definition).map(nameOf)));
    for (const [name, keeper] of this.#keepers) {
      if (used.has(name) || keeper.isBusy) continue;
      this.#keepers.delete(name);
      await rm(networkLayout(layout, name).directory, { recursive: true, force: true });
    }
  }

  get areBusy(): boolean {
    return [...this.#keepers.values()].some((keeper) => keeper.isBusy);
  }

  /** Kills every process; nothing is recorded. */
  kill(): void {
    for (const keeper of this.#keepers.values()) keeper.kill();
  }

  async #put(definition: Machine, endpoint: Endpoint): Promise<void> {
    const { layout } = this.#context;
    await Promise.all(
      processNetworks(definition).map(async (network) => {
        const member = memberOf(layout, definition, network.attachment, endpoint);
        if (member) await this.#keeper(nameOf(network)).put(definition.name, member);
      }),
    );
  }

  #lost(name: string, reason: string): void {
    this.#context.warn(reason);
    const attempt = (this.#losses.get(name) ?? 0) + 1;
    this.#losses.set(name, attempt);
    this.#context.lost(name, reason);
    setTimeout(() => void this.#revive(name), restartDelayMs(attempt));
  }

  /** Machines whose links do not depend on the process get their ports back. */
  async #revive(name: string): Promise<void> {
    for (const { definition, endpoint, state } of this.#context.records()) {
      if (!isOn(definition, name) || !endpoint || !isActive(state) || state.status === 'restarting') continue;
      try {
        if (this.lostBy(definition) === undefined) await this.rejoin(definition, endpoint);
      } catch (error) {
        this.#context.warn(describeFailure(error).message);
      }
    }
  }

  #keeper(name: string, record?: NetworkRecord): NetworkKeeper {
    const known = this.#keepers.get(name);
    if (known) return known;
    const hooks = {
      isWanted: () => this.#isWanted(name),
      lost: (reason: string) => this.#lost(name, reason),
      settled: this.#context.settled,
    };
    const keeper = new NetworkKeeper(this.#context, name, hooks, record);
    this.#keepers.set(name, keeper);
    return keeper;
  }

  /** Machines that need the process now; one that waits for its restart does as well. */
  #users(name: string): readonly string[] {
    return this.#context
      .records()
      .filter(({ state, definition }) => isActive(state) && isOn(definition, name))
      .map(({ machine }) => machine);
  }

  #isWanted(name: string): boolean {
    return this.#users(name).length > 0;
  }

  #others(machine: string): readonly MachineRecord[] {
    return this.#context.records().filter((record) => record.machine !== machine);
  }
}

/** Whether it is a network process that publishes the machine's ports. */
function hasLivePorts({ networks }: Machine): boolean {
  const carrier = portCarrier(networks);
  return carrier !== undefined && isLive(carrier.network);
}

/** Whether the frames of its members go through the process: libkrun does not connect a second time. */
function carriesLinks({ uplink }: ProcessNetwork): boolean {
  return uplink.kind === 'gvproxy';
}

/** Whether a machine needs the process of a network while it runs. */
export function isOn(machine: Machine, network: string): boolean {
  return processNetworks(machine).some((one) => nameOf(one) === network);
}

function nameOf({ attachment }: ProcessNetwork): string {
  return attachment.network.name;
}
