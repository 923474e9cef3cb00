import { openSync, readFileSync } from 'node:fs';
import { claimRun } from '../host/claim-run.ts';
import { errnoOf, systemHint } from '../host/errno.ts';
import { prepare, type PreparedMachine } from './prepare.ts';
import { withHypervisorAnswer } from '../host/hypervisor.ts';
import { execute, type Descriptors } from '../libkrun/execute.ts';
import { krunErrorText } from '../libkrun/errno.ts';
import { imageProblem } from './image-problem.ts';
import { openLinks } from './links.ts';
import { explainLog } from './log-reasons.ts';
import { StartFailure, type MachineFailure } from './failure.ts';
import { MACHINE_FAILED_EXIT, MACHINE_SPEC_VERSION, type MachineSpec } from './spec.ts';
import { endProcess, takeControl } from './control.ts';
import { performLastActs } from './last-acts.ts';
import { OpenStatus } from './open-status.ts';
import { PowerButton } from './power-button.ts';

/** `node dist/machine.js SPEC`: runs one machine in this process, which ends with it. */
async function main(): Promise<never> {
  const spec = readSpec(process.argv[2]);
  if (!claimRun(spec)) process.exit(0);
  const run: Run = {
    spec,
    status: new OpenStatus(spec.files.status),
    console: openSync(spec.files.console, 'a+', 0o600),
    button: new PowerButton(),
  };
  try {
    const machine = prepare(spec);
    const devices = await openDevices(spec, machine);
    await takeControl(spec, { ...run, ends: machine.ends });
    const links = await openLinks(spec, machine.library, { status: run.status, endProcess });
    const descriptors = { ...machine.descriptors, ...devices, ...links };
    return fail(run, await start(run, { ...machine, descriptors }));
  } catch (error) {
    return fail(run, failureOf(error));
  }
}

/** This process's one run. Its files are open, because libkrun may make the process another user's. */
interface Run {
  readonly spec: MachineSpec;
  readonly status: OpenStatus;
  readonly console: number;
  readonly button: PowerButton;
}

/** Loads what few machines need for these only: it delays the guest. */
async function openDevices(spec: MachineSpec, { ends }: PreparedMachine): Promise<Descriptors> {
  const users = ends?.users ?? [];
  if (spec.devices === undefined && users.length === 0) return {};
  const { openMoreDevices } = await import('./open-devices.ts');
  return openMoreDevices(spec, users);
}

function failureOf(error: unknown): MachineFailure {
  if (error instanceof StartFailure) return error.failure;
  if (!(error instanceof Error)) throw error;
  const code = errnoOf(error);
  if (code === undefined)
    return { code: 'environment', message: `Internal error: ${error.stack ?? error.message}` };
  const hint = systemHint(code);
  return { code: 'io', message: error.message, ...(hint === undefined ? {} : { hint }) };
}

async function start({ spec, ...run }: Run, machine: PreparedMachine): Promise<MachineFailure> {
  const refused = await execute(machine.calls, machine.library, machine.descriptors, ({ shutdown }) => {
    run.button.connect(shutdown);
    run.status.add(`krun-start ${Date.now()}`);
  });
  const text = krunErrorText(refused);
  // libkrun gives one number for everything that can go wrong in building a machine; its log says more.
  const log = withHypervisorAnswer(readFileSync(run.console, 'utf8'));
  const reason = (log.includes('virtio-blk') ? imageProblem(spec.disks) : undefined) ?? explainLog(log);
  const message = reason === undefined ? text : `${reason.reason} (${refused.call}: ${refused.errno})`;
  const hint = reason?.hint ?? refused.hint;
  return { code: 'environment', message, ...(hint === undefined ? {} : { hint }) };
}

function readSpec(file: string | undefined): MachineSpec {
  if (file === undefined) throw new Error('usage: machine.js SPEC');
  const spec = JSON.parse(readFileSync(file, 'utf8')) as MachineSpec;
  if (spec.version !== MACHINE_SPEC_VERSION)
    throw new Error(
      `${file} is of version ${spec.version}; this is krun's machine process ${MACHINE_SPEC_VERSION}`,
    );
  return spec;
}

function fail({ status }: Run, failure: MachineFailure): never {
  status.add(`krun-error ${JSON.stringify(failure)}`);
  performLastActs('process');
  process.exit(MACHINE_FAILED_EXIT);
}

await main();
