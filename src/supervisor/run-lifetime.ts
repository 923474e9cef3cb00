import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { readJsonIfPresent, writeJson } from '../host/atomic-file.ts';
import { unlessMissing } from '../host/errno.ts';
import type { ProcessIdentity } from '../machine/spec.ts';
import { runLayout } from '../store/layout.ts';
import { killIdentified, spawnRunProcess, untilGone, type RunProcess } from './run-process.ts';

/*
 * Crash protocol. The supervisor and the process of a machine, or of a network, may each be killed between any two of
 * these steps:
 *
 *     supervisor                              process
 *     1 record: starting, run n
 *     2 run-n/spec.json
 *     3 intent {"run": n}
 *     4 spawn ------------------------------> 5 reads run-n/spec.json
 *                                             6 writes its identity, run-n/process.json
 *                                             7 reads the intent; ends unless it names run n
 *
 *     R1 removes the intent
 *     R2 reads run-n/process.json; kills what it names; waits until it is gone
 *     R3 removes run-n/ and the raw files; when the machine is removed, all of its files, the record last
 *
 * - Killed before 4: no process. The record says that one may be there; R2 finds none.
 * - Killed after 4, before 6: nobody knows the process's pid. It writes its identity (6) before it reads the intent (7);
 *   a later supervisor removes the intent (R1) before it reads the identity (R2). Whatever the order of the four, either
 *   R2 sees the identity and kills, or 7 sees that the intent is gone and ends. Neither can miss both.
 * - The process is so slow that a later run has an intent by 7: that names another run, so it ends. Spec and identity
 *   belong to one run, so it neither takes itself for the later run (5) nor hides that run's identity (6). Where R3 was
 *   faster, 5 or 6 fails, and it ends as well.
 * - Killed after 6: the identity names the process by pid, start time and boot, so it is adopted, or killed, and never
 *   confused with a later process of the same pid.
 * - Killed during R3: the record is removed last, so what is left is a machine that has ended, and is removed again.
 *
 * 1 comes before 3 because a process without a record would be looked for by nobody.
 */

/** Identities of the helpers that the process of a run started, in the directory of the run; see `helperFile`. */
const HELPER_FILE = /^helper(-[^/]+)?\.json$/;

/** Where the runs of a machine, or of a network, have their files. */
export interface RunFiles {
  readonly directory: string;
  readonly intentFile: string;
  readonly controlSocket: string;
}

/** What a run is started from. */
export interface RunStart {
  readonly files: RunFiles;
  readonly run: number;
  /** JSON for the process. */
  readonly spec: object;
  readonly program: readonly [node: string, script: string];
  /** Takes what the process itself writes to stderr. */
  readonly stderrFile: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Steps 2 to 4. */
export async function startRun(start: RunStart): Promise<RunProcess> {
  const { files, run, spec, program, stderrFile, environment } = start;
  const { directory, specFile } = runLayout(files, run);
  await mkdir(directory, { mode: 0o700 });
  await rm(files.controlSocket, { force: true });
  await writeJson(specFile, spec, { durable: false });
  await writeJson(files.intentFile, { run }, { durable: false });
  return spawnRunProcess({ program, specFile, stderrFile, environment });
}

/** R1. Nobody may come after this: not a late process of the run, not a client of its socket. */
export async function closeRun(files: RunFiles): Promise<void> {
  await Promise.all([files.intentFile, files.controlSocket].map((file) => rm(file, { force: true })));
}

/** R1 and R2, for processes that are not our own children. */
export async function revokeRuns(files: RunFiles, runs: readonly number[]): Promise<void> {
  await closeRun(files);
  for (const run of runs) {
    await killNamed(runLayout(files, run).identityFile);
    await endHelpers(files, run);
  }
}

/** Ends the helpers that the process of a run had started, one for each interface, where they did not end with it. */
export async function endHelpers(files: RunFiles, run: number): Promise<void> {
  const { directory } = runLayout(files, run);
  const names = (await unlessMissing(readdir(directory))) ?? [];
  const helpers = names.filter((name) => HELPER_FILE.test(name));
  await Promise.all(helpers.map((name) => killNamed(path.join(directory, name))));
}

/** Kills the process whose identity a file holds, and waits until it is gone. */
async function killNamed(file: string): Promise<void> {
  const identity = (await readJsonIfPresent(file)) as ProcessIdentity | null | undefined;
  if (identity && killIdentified(identity)) await untilGone(identity);
}

/** The identity that the process of a run wrote; undefined before it did. */
export async function readIdentity(files: RunFiles, run: number): Promise<ProcessIdentity | undefined> {
  const value = await readJsonIfPresent(runLayout(files, run).identityFile);
  return (value as ProcessIdentity | null | undefined) ?? undefined;
}
