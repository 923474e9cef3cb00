import type { Capabilities } from '../vm/call-list.ts';
import { formatCall, type Call } from '../vm/calls.ts';
import { compile } from '../vm/compile.ts';
import type { Vm } from '../vm/vm.ts';
import { newestLibkrun } from './capabilities.ts';
import { enter, type EnterOptions } from './enter.ts';
import { BuilderError } from './error.ts';

/** A machine without mistakes: a value that can be looked at, turned into libkrun's calls, and started. */
export class BuiltVm {
  readonly vm: Vm;
  /** Where the bundled kernel comes from, if not from where krun finds it. */
  readonly krunfwPath: string | undefined;

  constructor(vm: Vm, krunfwPath: string | undefined) {
    this.vm = vm;
    this.krunfwPath = krunfwPath;
  }

  /**
   * The calls that make the machine, for a library with these capabilities; the newest one that krun knows, on this
   * host, when not said. Throws {@link BuilderError} where the library, or the host, cannot do it.
   */
  calls(capabilities: Capabilities = newestLibkrun()): readonly Call[] {
    const compiled = compile(this.vm, capabilities);
    if (!compiled.ok) throw new BuilderError(compiled.error);
    return compiled.value;
  }

  /** The calls as text, one a line. */
  formatCalls(capabilities?: Capabilities): string {
    return this.calls(capabilities).map(formatCall).join('\n');
  }

  /**
   * Turns this process into the machine: it ends with the guest, with the guest's exit code, and runs nothing after
   * that. The promise settles only when the machine could not be started. One machine for each process.
   */
  async enter(options: EnterOptions = {}): Promise<never> {
    return enter(this, options);
  }
}
