import type { MachineRecord } from '../store/records.ts';
import { describeFailure } from './failure.ts';
import type { MachineRun } from './machine-run.ts';
import type { Networks } from './networks.ts';

/** libkrun connects once: a machine without the process of its network has lost its link for ever. */
export function failWithoutLink(
  run: MachineRun | undefined,
  { definition }: MachineRecord,
  networks: Networks,
): void {
  const lost = run && networks.lostBy(definition);
  if (lost !== undefined) run?.fail(`the network process of ${lost} ended`);
}

/** The networks of a machine that an earlier supervisor started are told of it again. */
export async function rejoin(
  { definition, endpoint }: MachineRecord,
  { networks, warn }: { readonly networks: Networks; readonly warn: (message: string) => void },
): Promise<void> {
  if (!endpoint) return;
  try {
    await networks.rejoin(definition, endpoint);
  } catch (error) {
    warn(describeFailure(error).message);
  }
}
