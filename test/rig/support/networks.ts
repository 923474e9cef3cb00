import { readFile } from 'node:fs/promises';
import type { ProcessIdentity } from '../../../src/machine/spec.ts';
import type { NetworkState } from '../../../src/network/api.ts';
import { NetworkClient } from '../../../src/network/client.ts';
import { networkLayout, runLayout } from '../../../src/store/layout.ts';
import { readNetworkRecord } from '../../../src/store/record-files.ts';
import type { SupervisedProject } from './supervised.ts';

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
