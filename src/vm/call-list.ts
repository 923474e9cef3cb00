import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Call, CallArgument } from './calls.ts';
import {
  LIBKRUN_FUNCTIONS,
  type BuildFeature,
  type LibkrunFeature,
  type LibkrunFunction,
} from './functions.ts';

/** The context that all calls after the first are about. */
export const CTX = { result: 'ctx' } as const;

/** What an opened library, and the host under it, can do. */
export interface Capabilities {
  readonly functions: ReadonlySet<LibkrunFunction>;
  /** Node's name of the processor. */
  readonly arch: string;
  readonly os: string;
  /** Whether the library was built with a part; undefined where it cannot tell. */
  readonly hasFeature?: (feature: LibkrunFeature) => boolean | undefined;
}

/** Collects calls, and diagnostics for those that the library lacks. */
export class CallList {
  readonly capabilities: Capabilities;
  readonly #calls: Call[] = [];
  readonly #diagnostics: Diagnostic[] = [];

  constructor(capabilities: Capabilities) {
    this.capabilities = capabilities;
  }

  has(name: LibkrunFunction): boolean {
    return this.capabilities.functions.has(name);
  }

  add(name: LibkrunFunction, ...args: readonly CallArgument[]): void {
    this.#push({ name, args });
  }

  /** Adds a call whose result later calls name. */
  addResult(
    result: string,
    name: LibkrunFunction,
    ...args: readonly CallArgument[]
  ): { readonly result: string } {
    this.#push({ name, args, result });
    return { result };
  }

  /** Refuses what a library without the part takes without a word, and does not do. */
  need(feature: 'GPU' | 'SND' | 'INPUT', what: string): void {
    if (this.capabilities.hasFeature?.(feature) !== false) return;
    this.reject(
      errorDiagnostic('capability', `this libkrun was built without ${what}`, {
        hint: `use one that was built with ${feature}=1; \`krun doctor\` shows which one is used`,
      }),
    );
  }

  reject(...diagnostics: readonly Diagnostic[]): void {
    this.#diagnostics.push(...diagnostics);
  }

  result(): Result<readonly Call[], readonly Diagnostic[]> {
    return this.#diagnostics.length > 0 ? err(this.#diagnostics) : ok(this.#calls);
  }

  #push(call: Call): void {
    if (!this.has(call.name) && !this.#calls.some((earlier) => earlier.name === call.name))
      this.#diagnostics.push(missingFunction(call.name, this.capabilities.functions));
    this.#calls.push(call);
  }
}

/** What a build without the feature lacks, and how one knows it: builds with it have this function. */
const PARTS: Partial<Record<BuildFeature, { readonly what: string; readonly mark: LibkrunFunction }>> = {
  BLK: { what: 'disks', mark: 'krun_add_disk2' },
  NET: { what: 'network interfaces', mark: 'krun_add_net_unixstream' },
};

/** That a library lacks a function: because of its age, or of how it was built. */
export function missingFunction(name: LibkrunFunction, functions: ReadonlySet<LibkrunFunction>): Diagnostic {
  const { since, feature } = LIBKRUN_FUNCTIONS[name];
  const shows = '`krun doctor` shows which one is used';
  const part = feature && PARTS[feature];
  if (part && !functions.has(part.mark)) {
    return errorDiagnostic('capability', `this libkrun was built without ${part.what} (${name} is missing)`, {
      hint: `use libkrun ${since} or newer that was built with ${feature}=1; ${shows}`,
    });
  }
  return errorDiagnostic('capability', `this libkrun has no ${name}`, {
    hint: `use libkrun ${since} or newer; ${shows}`,
  });
}
