import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { MachineOverrides } from '../../config/command-line.ts';
import type { LoadResult } from '../../config/load.ts';
import { bootsItself } from '../../project/boot.ts';
import { oneOffProject } from '../../project/one-off.ts';
import type { Project } from '../../project/project.ts';
import type { Layout } from '../../store/layout.ts';
import { readMachineRecord } from '../../store/record-files.ts';
import { type Context, print, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { runOneOff } from '../guest/one-off.ts';
import { guestWords, sessionWish, type SessionArgs, type SessionWish } from '../guest/request.ts';
import { loadForCommand } from '../load-project.ts';
import { perform } from '../requests.ts';
import { knowsAll, upRequest } from './up.ts';

export interface RunArgs extends SessionArgs {
  readonly machine: string;
  readonly command: readonly string[];
  readonly rm?: boolean;
  readonly name?: string;
  readonly deps: boolean;
  readonly publish?: readonly string[];
  readonly servicePorts?: boolean;
  readonly share?: readonly string[];
  readonly entrypoint?: string;
}

/** `krun run`: a machine of its own for one command. */
export async function run(context: Context, args: RunArgs): Promise<ExitCode> {
  const wish = sessionWish(context, args);
  if (!wish.ok) return wish.error;
  const overrides = { machine: args.machine, ...overridesOf(context, args, wish.value) };
  const loaded = await loadForCommand(context, [args.machine], overrides);
  if (!loaded.ok) return loaded.error;
  const { layout, result } = loaded.value;
  if (!knowsAll(context, loaded.value.project, [args.machine])) return EXIT.usage;
  const name = args.name ?? `${args.machine.slice(0, LONGEST_PREFIX)}-run-${randomBytes(4).toString('hex')}`;
  if (args.name !== undefined && !isName(context, loaded.value.project, args.name)) return EXIT.usage;
  const record = await readMachineRecord(layout, name);
  if (!record.ok || record.value) {
    tellError(context, `there is a machine ${name} already`, `krun rm ${name} removes it`);
    return EXIT.failure;
  }
  const project = oneOffProject(loaded.value.project, {
    of: args.machine,
    name,
    idle: !args.detach,
    removed: args.rm ?? false,
    nameOverride: result.nameOverride,
    tty: args.tty,
  });
  return start(context, layout, { project, name, args, wish: wish.value, result });
}

/** Room for `-run-` and eight digits in a name of 63 letters. */
const LONGEST_PREFIX = 50;

interface Start {
  readonly project: Project;
  readonly name: string;
  readonly args: RunArgs;
  readonly wish: SessionWish;
  readonly result: LoadResult;
}

async function start(
  context: Context,
  layout: Layout,
  { project, name, args, wish, result }: Start,
): Promise<ExitCode> {
  const machine = project.machines[name];
  if (!machine) throw new Error(`the project has no machine ${name}`);
  if (!args.detach && !machine.agent) {
    const why = bootsItself(machine.boot, machine.root.kind) ? 'it boots by itself' : 'agent: false';
    tellError(
      context,
      `${args.machine} has no agent (${why}), through which its command would talk with this terminal`,
      'krun run -d starts it without one; krun logs shows its output',
    );
    return EXIT.usage;
  }
  const request = upRequest(
    { project, result },
    { machines: [name], deps: args.deps, recreate: true, start: true },
  );
  if (args.detach) {
    const code = await perform(context, layout, request);
    if (code === EXIT.ok) print(context, name);
    return code;
  }
  return runOneOff(context, layout, { machine, request, wish });
}

function overridesOf({ cwd }: Context, args: RunArgs, { request }: SessionWish): MachineOverrides {
  const { user, workdir, entrypoint, command, publish = [], servicePorts = false, share = [] } = args;
  return {
    environment: request.environment,
    shares: share.map((each) => fromHere(cwd, each)),
    ports: publish,
    keepsPorts: servicePorts,
    ...(user !== undefined && { user }),
    ...(workdir !== undefined && { workingDir: workdir }),
    ...(entrypoint !== undefined && { entrypoint }),
    command: guestWords(command),
  };
}

/** A share of the command line starts where the user is, not where krun.yaml is. */
function fromHere(cwd: string, share: string): string {
  const [source = '', ...rest] = share.split(':');
  if (source === '' || source.startsWith('~') || rest.length === 0) return share;
  return [path.resolve(cwd, source), ...rest].join(':');
}

function isName(context: Context, project: Project, name: string): boolean {
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)) {
    const rule =
      'a name has 1 to 63 lower-case letters, digits, - and _, and starts with a letter or a digit';
    tellError(context, `--name ${name} is no name of a machine`, rule);
    return false;
  }
  const isTaken = Object.hasOwn(project.machines, name) || project.disabledMachines.includes(name);
  if (isTaken) tellError(context, `--name ${name} is the name of a machine in krun.yaml`);
  return !isTaken;
}
