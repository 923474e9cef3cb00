import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Call, CallArgument, DescriptorName } from './calls.ts';
import type { LibkrunFunction } from './ffi.ts';

/** The context that all calls after the first are about. */
export const CTX = { result: 'ctx' } as const;

/** An open file of the machine process as an argument. */
export function fd(descriptor: DescriptorName): CallArgument {
  return { descriptor };
}

/** Collects calls, and diagnostics for those that the library lacks. */
export class CallList {
  readonly #functions: ReadonlySet<LibkrunFunction>;
  readonly #calls: Call[] = [];
  readonly #diagnostics: Diagnostic[] = [];

  constructor(functions: ReadonlySet<LibkrunFunction>) {
    this.#functions = functions;
  }

  has(name: LibkrunFunction): boolean {
    return this.#functions.has(name);
  }

  add(name: LibkrunFunction, ...args: readonly CallArgument[]): void {
    this.#push({ name, args });
  }

  addResult(result: 'ctx' | 'console', name: LibkrunFunction, ...args: readonly CallArgument[]): void {
    this.#push({ name, args, result });
  }

  reject(...diagnostics: readonly Diagnostic[]): void {
    this.#diagnostics.push(...diagnostics);
  }

  result(): Result<readonly Call[], readonly Diagnostic[]> {
    return this.#diagnostics.length > 0 ? err(this.#diagnostics) : ok(this.#calls);
  }

  #push(call: Call): void {
    if (!this.has(call.name) && !this.#calls.some((earlier) => earlier.name === call.name))
      this.#diagnostics.push(missing(call.name, this.#functions));
    this.#calls.push(call);
  }
}

/** The release that brought a function, for the message that it is missing. */
const SINCE: Partial<Record<LibkrunFunction, string>> = {
  krun_init_log: '1.13',
  krun_set_root_disk_remount: '1.15',
  krun_add_disk3: '1.17',
  krun_add_disk2: '1.10',
  krun_add_virtiofs: '1.8',
  krun_add_virtiofs2: '1.9.5',
  krun_add_virtiofs3: '1.18',
  krun_disable_implicit_vsock: '1.17',
  krun_add_vsock: '1.17',
  krun_add_net_unixstream: '1.15',
  krun_add_net_unixgram: '1.15',
  krun_add_net_tap: '1.15',
  krun_disable_implicit_console: '1.16',
  krun_add_virtio_console_default: '1.16',
  krun_add_virtio_console_multiport: '1.17',
  krun_add_console_port_inout: '1.17',
  krun_add_console_port_tty: '1.17',
};

/** A build may leave these out. */
const PARTS = [
  {
    names: /^krun_(add_disk|set_root_disk_remount)/,
    mark: 'krun_add_disk2',
    what: 'disks',
    flag: 'BLK=1',
  },
  {
    names: /^krun_add_net_/,
    mark: 'krun_add_net_unixstream',
    what: 'network interfaces',
    flag: 'NET=1',
  },
] as const;

function missing(name: LibkrunFunction, functions: ReadonlySet<LibkrunFunction>): Diagnostic {
  const since = SINCE[name] ?? '1.17';
  const shows = '`krun doctor` shows which one is used';
  const part = PARTS.find(({ names, mark }) => names.test(name) && !functions.has(mark));
  if (part) {
    return errorDiagnostic('capability', `this libkrun was built without ${part.what} (${name} is missing)`, {
      hint: `use libkrun ${since} or newer that was built with ${part.flag}; ${shows}`,
    });
  }
  return errorDiagnostic('capability', `this libkrun has no ${name}`, {
    hint: `use libkrun ${since} or newer; ${shows}`,
  });
}
