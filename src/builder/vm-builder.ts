import { readInit } from './init-program.ts';
import { BuiltVm } from './built-vm.ts';
import { CONSOLE, ConsoleBuilder } from './console-builder.ts';
import { DEVICES, DevicesBuilder } from './devices-builder.ts';
import { DISK, DiskBuilder } from './disk-builder.ts';
import { draftMistakes, vmOf, type Draft } from './draft.ts';
import { BuilderError, mistake } from './error.ts';
import { EXEC, ExecBuilder } from './exec-builder.ts';
import { FS, FsBuilder } from './fs-builder.ts';
import { KERNEL, KernelBuilder } from './kernel-builder.ts';
import { LOG, LogBuilder } from './log-builder.ts';
import { MACHINE, MachineBuilder } from './machine-builder.ts';
import { NET, NetBuilder } from './net-builder.ts';
import { Part, known, knownOf, type Known } from './part.ts';
import { SERIAL, SerialBuilder } from './serial-builder.ts';
import { VSOCK, VsockBuilder } from './vsock-builder.ts';

/**
 * Describes one virtual machine. It is an immutable value, as its parts are: each method returns another builder, and
 * what is wrong is collected until `build`.
 */
export class VmBuilder extends Part<Draft> {
  machine(configure: (machine: MachineBuilder) => MachineBuilder): this {
    return this.#singular('machine', new MachineBuilder(known(this.state.machine)), configure);
  }

  kernel(configure: (kernel: KernelBuilder) => KernelBuilder): this {
    return this.#singular('kernel', new KernelBuilder(known(this.state.kernel)), configure);
  }

  /** Adds one file system: the root, or a directory under a tag. */
  fs(configure: (fs: FsBuilder) => FsBuilder): this {
    return this.#further('filesystems', new FsBuilder(known(FS)), configure);
  }

  /** Adds one disk. */
  disk(configure: (disk: DiskBuilder) => DiskBuilder): this {
    return this.#further('disks', new DiskBuilder(known(DISK)), configure);
  }

  /** Adds one interface. */
  net(configure: (net: NetBuilder) => NetBuilder): this {
    return this.#further('nets', new NetBuilder(known(NET)), configure);
  }

  vsock(configure: (vsock: VsockBuilder) => VsockBuilder): this {
    return this.#singular('vsock', new VsockBuilder(known(this.state.vsock)), configure);
  }

  console(configure: (console: ConsoleBuilder) => ConsoleBuilder): this {
    return this.#singular('console', new ConsoleBuilder(known(this.state.console)), configure);
  }

  /** Adds one serial port. */
  serial(configure: (serial: SerialBuilder) => SerialBuilder): this {
    return this.#further('serials', new SerialBuilder(known(SERIAL)), configure);
  }

  exec(configure: (exec: ExecBuilder) => ExecBuilder): this {
    return this.#singular('exec', new ExecBuilder(known(this.state.exec)), configure);
  }

  devices(configure: (devices: DevicesBuilder) => DevicesBuilder): this {
    return this.#singular('devices', new DevicesBuilder(known(this.state.devices)), configure);
  }

  log(configure: (log: LogBuilder) => LogBuilder): this {
    return this.#singular('log', new LogBuilder(known(this.state.log)), configure);
  }

  /** The machine as a value. Throws one {@link BuilderError} with everything that is wrong. */
  build(): BuiltVm {
    const { state, mistakes } = knownOf<Draft>(this);
    const init = readInit(state);
    const problems = [...mistakes, ...draftMistakes(state), ...init.mistakes];
    if (problems.length > 0) throw new BuilderError(problems);
    const built = new BuiltVm(vmOf(state, init.program), state.kernel.krunfwPath);
    // What no library can do is a mistake already now.
    built.calls();
    return built;
  }

  /** Goes on where an earlier call for the same part ended. */
  #singular<Key extends keyof Draft, Builder extends Part<Draft[Key] & object>>(
    key: Key,
    part: Builder,
    configure: (part: Builder) => Builder,
  ): this {
    const { state, mistakes } = configured(key, part, configure);
    return this.with({ [key]: state }, ...mistakes);
  }

  #further<State extends object, Builder extends Part<State>>(
    key: 'filesystems' | 'disks' | 'nets' | 'serials',
    part: Builder,
    configure: (part: Builder) => Builder,
  ): this {
    const { state, mistakes } = configured(PLURALS[key], part, configure);
    return this.with({ [key]: [...this.state[key], state] }, ...mistakes);
  }
}

const PLURALS = { filesystems: 'fs', disks: 'disk', nets: 'net', serials: 'serial' } as const;

/** What the caller's function made of the part; a function without `return` made nothing, which types cannot forbid. */
function configured<State extends object, Builder extends Part<State>>(
  where: string,
  part: Builder,
  configure: (part: Builder) => Builder,
): Known<State> {
  const result: unknown = configure(part);
  if (result instanceof Part) return knownOf(result as Part<State>);
  const problem = mistake(where, 'its function returns no builder', `write ${where}((x) => x.…)`);
  return { state: knownOf<State>(part).state, mistakes: [problem] };
}

/**
 * Begins a machine: one CPU, 512 MiB, this process's terminal as its console, no network. `name` tells the automatic
 * MAC addresses of machines with the same root apart.
 */
export function vm(name = 'vm'): VmBuilder {
  return new VmBuilder(
    known<Draft>({
      name,
      log: LOG,
      machine: MACHINE,
      kernel: KERNEL,
      filesystems: [],
      disks: [],
      nets: [],
      vsock: VSOCK,
      console: CONSOLE,
      serials: [],
      exec: EXEC,
      devices: DEVICES,
    }),
  );
}
