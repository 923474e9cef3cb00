import path from 'node:path';
import { errorDiagnostic, type Diagnostic, type Span } from '../base/diagnostic.ts';
import { nearest } from '../base/text.ts';
import type { MapTree, Tree } from '../source/tree.ts';
import { readLayer, type LoadContext } from './layer.ts';
import { mergeTrees } from './merge.ts';
import { child, mapValues, withChild, withoutChild } from './normalize.ts';
import { absolutePath, shownPath } from './read.ts';
import type { Variables } from './variables.ts';

/** A file whose machines extend others. */
export interface ExtendsRequest {
  readonly layer: MapTree;
  readonly file: string;
  /** Where `extends.file` starts. */
  readonly directory: string;
  readonly variables: Variables;
  /** What earlier files of the project say; their machines can be extended as well. */
  readonly earlier?: MapTree | undefined;
}

/** Puts each machine over the one that it extends. A malformed `extends` stays, for the schema to complain about. */
export async function resolveExtends(context: LoadContext, request: ExtendsRequest): Promise<MapTree> {
  const { layer, file, directory, earlier } = request;
  const machines = child(layer, 'machines');
  if (machines?.kind !== 'map') return layer;
  const resolver = new ExtendsResolver(context, request.variables);
  const scope: Scope = { machines, file, directory, earlier: child(earlier, 'machines') };
  const resolved = new Map<string, Tree>();
  for (const name of machines.entries.keys()) {
    const machine = await resolver.resolve(scope, name, []);
    if (machine) resolved.set(name, machine.machine);
  }
  return withChild(
    layer,
    'machines',
    mapValues(machines, (machine, name) => resolved.get(name) ?? machine),
  );
}

/** The machines that a plain `extends: NAME` can mean. */
interface Scope {
  readonly machines: MapTree;
  readonly file: string;
  readonly directory: string;
  readonly earlier?: Tree | undefined;
}

interface Extends {
  readonly machine: string;
  readonly file?: string;
  readonly span: Span;
  readonly fileSpan: Span;
}

interface Step {
  readonly key: string;
  readonly name: string;
  readonly span: Span;
}

interface Resolved {
  readonly machine: Tree;
  /** Whether every base was found. */
  readonly isComplete: boolean;
}

class ExtendsResolver {
  readonly #context: LoadContext;
  readonly #variables: Variables;
  readonly #resolved = new Map<string, Resolved>();
  /** Machines of cycles that have been reported. */
  readonly #inCycle = new Set<string>();

  constructor(context: LoadContext, variables: Variables) {
    this.#context = context;
    this.#variables = variables;
  }

  async resolve(scope: Scope, name: string, trail: readonly Step[]): Promise<Resolved | undefined> {
    const key = `${scope.file}\0${name}`;
    const known = this.#resolved.get(key);
    if (known) return known;
    const entry = scope.machines.entries.get(name);
    const machine = entry?.value;
    const base = extendsOf(machine);
    if (machine?.kind !== 'map' || !base) return machine && { machine, isComplete: true };

    const steps = [...trail, { key, name, span: base.span }];
    const cycleStart = steps.findIndex((step) => step.key === key);
    if (cycleStart < steps.length - 1) {
      this.#reportCycle(steps.slice(cycleStart, -1));
      return undefined;
    }
    const own = withoutChild(machine, 'extends');
    const extended = await this.#resolveBase(scope, base, steps);
    const isComplete = extended?.isComplete ?? false;
    if (!isComplete && entry) this.#context.incomplete.push(entry.keySpan);
    const merged = extended ? mergeTrees(extended.machine, own, ['machines', name]) : own;
    const result = { machine: { ...merged, span: own.span }, isComplete };
    this.#resolved.set(key, result);
    return result;
  }

  async #resolveBase(scope: Scope, base: Extends, steps: readonly Step[]): Promise<Resolved | undefined> {
    const target = base.file === undefined ? scope : await this.#readScope(scope, base.file, base.fileSpan);
    if (!target) return undefined;
    if (child(target.machines, base.machine)) return this.resolve(target, base.machine, steps);
    const earlier = child(target.earlier, base.machine);
    if (earlier) return { machine: earlier, isComplete: true };
    this.#report(unknownBase(base, target, this.#context.projectDirectory));
    return undefined;
  }

  async #readScope(scope: Scope, written: string, reference: Span): Promise<Scope | undefined> {
    const file = absolutePath(scope.directory, written);
    if (file === scope.file) return scope;
    const directory = path.dirname(file);
    const layer = await readLayer(this.#context, { file, directory, variables: this.#variables, reference });
    if (!layer) return undefined;
    const machines = child(layer, 'machines');
    if (machines?.kind === 'map') return { machines, file, directory };
    return { machines: { kind: 'map', span: layer.span, entries: new Map() }, file, directory };
  }

  #reportCycle(steps: readonly Step[]): void {
    if (steps.some((step) => this.#inCycle.has(step.key))) return;
    for (const step of steps) this.#inCycle.add(step.key);
    const [first, ...rest] = steps;
    if (!first) return;
    const names = [...steps, first].map((step) => step.name).join(' -> ');
    const related = rest.map(({ name, span }) => ({ message: `\`${name}\` extends here`, span }));
    this.#report(
      errorDiagnostic('cycle', `machines extend each other: ${names}`, { span: first.span, related }),
    );
  }

  #report(diagnostic: Diagnostic): void {
    this.#context.diagnostics.push(diagnostic);
  }
}

/** What a well-formed `extends` names. */
function extendsOf(machine: Tree | undefined): Extends | undefined {
  const written = child(machine, 'extends');
  if (!written) return undefined;
  if (written.kind === 'scalar') {
    const { value, span } = written;
    return typeof value === 'string' ? { machine: value, span, fileSpan: span } : undefined;
  }
  if (written.kind !== 'map') return undefined;
  const isKnown = [...written.entries.keys()].every((key) => /^(machine|file|x-.*)$/.test(key));
  const name = child(written, 'machine');
  const file = child(written, 'file');
  if (!isKnown || name?.kind !== 'scalar' || typeof name.value !== 'string') return undefined;
  const found = { machine: name.value, span: name.span, fileSpan: file?.span ?? name.span };
  if (file === undefined) return found;
  return file.kind === 'scalar' && typeof file.value === 'string'
    ? { ...found, file: file.value }
    : undefined;
}

function unknownBase(base: Extends, scope: Scope, projectDirectory: string): Diagnostic {
  const earlier = scope.earlier?.kind === 'map' ? [...scope.earlier.entries.keys()] : [];
  const near = nearest(base.machine, [...scope.machines.entries.keys(), ...earlier]);
  const where = base.file === undefined ? '' : ` in \`${shownPath(base.file, projectDirectory)}\``;
  return errorDiagnostic('unknown-reference', `there is no machine \`${base.machine}\`${where} to extend`, {
    span: base.span,
    ...(near === undefined ? {} : { hint: `did you mean \`${near}\`?` }),
  });
}
