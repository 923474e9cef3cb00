import { rm } from 'node:fs/promises';
import path from 'node:path';
import { processIdentity } from '../host/identity.ts';
import { processesWith } from '../host/processes-with.ts';
import { type NetworkLayout, runLayout } from '../store/layout.ts';
import { revokeRuns } from './run-lifetime.ts';
import { killIdentified, untilGone } from './run-process.ts';

/** Ends what runs of a network have left, whatever state they are in, and deletes their files but the log. */
export async function removeNetworkRuns(files: NetworkLayout, runs: readonly number[]): Promise<void> {
  await revokeRuns(files, runs);
  if (runs.length > 0) await endUnnamed(files, runs);
  for (const run of runs) await rm(runLayout(files, run).directory, { recursive: true, force: true });
}

/**
 * Ends a gvproxy whose network process was killed before it could write down whom it had started. It waits for its link for
 * ever; other helpers are given theirs as an open file, and end with it.
 */
async function endUnnamed(files: NetworkLayout, runs: readonly number[]): Promise<void> {
  const configs = runs.map((run) => path.join(runLayout(files, run).directory, 'gvproxy.json'));
  const pids = await processesWith([`unix://${files.gvproxyLink}`, ...configs]);
  for (const identity of pids.flatMap((pid) => processIdentity(pid) ?? [])) {
    if (killIdentified(identity)) await untilGone(identity);
  }
}
