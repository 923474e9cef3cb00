import { isDeepStrictEqual } from 'node:util';
import { writeJson } from '../host/atomic-file.ts';
import type { HypervisorNode } from '../host/hypervisor-node.ts';
import type { GuestFile } from '../machine/spec.ts';
import { exitText } from '../plan/restart.ts';
import type { Machine } from '../project/project.ts';
import { machineLayout, rawFile, type Layout } from '../store/layout.ts';
import type { Endpoint, MachineRecord } from '../store/records.ts';
import { ActionFailure } from './failure.ts';
import type { GrantContents } from './grant-contents.ts';
import { machineSpec } from './machine-spec.ts';
import type { Networks } from './networks.ts';
import { startRun } from './run-lifetime.ts';
import type { RunProcess } from './run-process.ts';

/** What a machine is started with. */
export interface StartContext {
  readonly layout: Layout;
  readonly projectName: () => string;
  /** The node that may make virtual machines. */
  readonly node: HypervisorNode;
  /** The machine process's script. */
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly networks: Networks;
  readonly grants: GrantContents;
  /** Records of the other machines of the project. */
  readonly others: (machine: string) => readonly MachineRecord[];
}

/** A run that is about to begin. */
export interface MachineStart {
  readonly definition: Machine;
  readonly run: number;
  /** What the record says that the machine has of its networks. */
  readonly endpoint: Endpoint | undefined;
  /** Has the record say what it really has. */
  readonly save: (endpoint: Endpoint) => Promise<void>;
}

/** Makes the machine a member of its networks, then starts its process: libkrun connects at once and only once. */
export async function startMachine(context: StartContext, start: MachineStart): Promise<RunProcess> {
  const { layout, networks, grants, projectName, environment, others } = context;
  const { definition, run } = start;
  const files = machineLayout(layout, definition.name);
  const node = await context.node.program();
  if (!node.ok) throw ActionFailure.from(node.error);
  const endpoint = await networks.join(definition);
  if (!isDeepStrictEqual(endpoint, start.endpoint)) await start.save(endpoint);
  const neighbours = others(definition.name).map((other) => other.definition);
  const guestFiles = await writeGuestFiles(files.guestFiles, await grants.give(definition));
  const spec = {
    ...machineSpec({ layout, project: projectName(), definition, run, endpoint, neighbours }),
    ...(guestFiles === undefined ? {} : { guestFiles }),
  };
  const stderrFile = rawFile(files, run, 'console');
  return startRun({ files, run, spec, program: [node.value, context.script], stderrFile, environment });
}

/** The machine's process removes it as soon as it has read it. */
async function writeGuestFiles(file: string, files: readonly GuestFile[]): Promise<string | undefined> {
  if (files.length === 0) return undefined;
  await writeJson(file, files, { durable: false });
  return file;
}

/** What to tell about a start that came to nothing; undefined where the guest has reported in. */
export function startFailure({ machine, state }: MachineRecord, isReady: boolean): ActionFailure | undefined {
  if (state.status === 'failed') return new ActionFailure(state.reason, state.hint);
  if ((state.status !== 'exited' && state.status !== 'restarting') || isReady) return undefined;
  return new ActionFailure(
    `machine ${machine} ended before its command started: ${state.exit.reason ?? exitText(state.exit)}`,
    `its console: krun logs ${machine}`,
  );
}
