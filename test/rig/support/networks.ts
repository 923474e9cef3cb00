import { readFile } from 'node:fs/promises';
import type { ProcessIdentity } from '../../../src/machine/spec.ts';
import type { NetworkState } from '../../../src/network/api.ts';
import { NetworkClient } from '../../../src/network/client.ts';
import type { Machine } from '../../../src/project/project.ts';
import { networkLayout, runLayout } from '../../../src/store/layout.ts';
import { readNetworkRecord } from '../../../src/store/record-files.ts';
import { onGvproxy } from '../../support/definitions.ts';
import { gvproxyPath } from './helpers.ts';
import { SupervisedProject } from './supervised.ts';

export const FOREVER = 'while :; do sleep 0.1; done';
/** The gvproxy of tests that do not ask for another; undefined where they are skipped. */
export const gvproxy: string | undefined = gvproxyPath('0.8.9');

/** A project whose networks find this gvproxy. */
export function createProject(program: string | undefined = gvproxy): Promise<SupervisedProject> {
  return SupervisedProject.create(program === undefined ? {} : { KRUN_GVPROXY: program });
}

/** A machine on a gvproxy network, `default`. */
export function machineOn(
  project: SupervisedProject,
  name: string,
  more: Partial<Machine> = {},
): Promise<Machine> {
  return project.machine(name, FOREVER, { networks: [onGvproxy(name)], ...more });
}

/** Who the newest process of a network is or was; undefined where it has left nothing, or not yet. */
export async function networkIdentity(
  { layout }: SupervisedProject,
  network: string,
): Promise<ProcessIdentity | undefined> {
  const record = await readNetworkRecord(layout, network);
  const run = record.ok ? (record.value?.run ?? 0) : 0;
  const { identityFile } = runLayout(networkLayout(layout, network), run);
  const text = await readFile(identityFile, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as ProcessIdentity);
}

/** What the process of a network says of it. */
export async function networkState(
  { layout }: SupervisedProject,
  network = 'default',
): Promise<NetworkState> {
  const state = await new NetworkClient(networkLayout(layout, network).controlSocket).state();
  if (!state.ok) throw new Error(state.error.message);
  return state.value;
}

/** The value, of something that the test has made. */
export async function existing<T>(value: Promise<T | undefined>): Promise<T> {
  const found = await value;
  if (found === undefined) throw new Error('it does not exist');
  return found;
}
