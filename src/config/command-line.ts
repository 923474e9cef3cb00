import type { MapEntry, MapTree, ScalarTree, SequenceTree, Tree } from '../source/tree.ts';
import { child, withChild, withoutChild } from './normalize.ts';

/** Stands for the path of what was written on krun's command line. */
export const COMMAND_LINE = '<command line>';

/** What `krun run` says in place of, or beside, what the file says about a machine. */
export interface MachineOverrides {
  readonly environment: Readonly<Record<string, string>>;
  /** Beside those of the file. */
  readonly shares: readonly string[];
  /** Instead of those of the file. */
  readonly ports: readonly string[];
  /** Whether the machine keeps the ports that the file publishes. */
  readonly keepsPorts: boolean;
  readonly user?: string;
  readonly workingDir?: string;
  /** Instead of the file's entrypoint, and then of its command as well. */
  readonly entrypoint?: string;
  /** Instead of the file's command; empty for none. */
  readonly command: readonly string[];
}

/** A merged file with one machine changed as a command line says, and the text that positions in it refer to. */
export function overrideMachine(
  tree: MapTree,
  name: string,
  overrides: MachineOverrides,
): { readonly tree: MapTree; readonly text: string } {
  const machines = child(tree, 'machines');
  const machine = child(machines, name);
  const words = new WrittenWords();
  if (machines?.kind !== 'map' || machine?.kind !== 'map') return { tree, text: '' };
  const changed = withCommand(withLists(machine, overrides, words), overrides, words);
  return { tree: withChild(tree, 'machines', withChild(machines, name, changed)), text: words.text };
}

function withLists(machine: MapTree, overrides: MachineOverrides, words: WrittenWords): MapTree {
  const { environment, shares, ports, keepsPorts } = overrides;
  let changed = keepsPorts ? machine : withoutChild(machine, 'ports');
  const variables = Object.entries(environment);
  if (variables.length > 0) {
    const entries = new Map(mapOf(child(machine, 'environment')));
    for (const [name, value] of variables) {
      const { span } = words.add('-e', name);
      const written = { kind: 'scalar', span, value, isString: true } as const;
      entries.set(name, { keySpan: span, value: written });
    }
    changed = withChild(changed, 'environment', { kind: 'map', span: machine.span, entries });
  }
  if (shares.length > 0) {
    const present = child(machine, 'shares');
    const items = present?.kind === 'sequence' ? present.items : [];
    const added = shares.map((share) => words.add('-v', share));
    changed = withChild(changed, 'shares', listOf([...items, ...added], machine));
  }
  if (ports.length > 0) {
    const published = ports.map((port) => words.add('-p', port));
    changed = withChild(changed, 'ports', listOf(published, machine));
  }
  return changed;
}

function withCommand(machine: MapTree, overrides: MachineOverrides, words: WrittenWords): MapTree {
  const { user, workingDir, entrypoint, command } = overrides;
  let changed = machine;
  if (user !== undefined) changed = withChild(changed, 'user', words.add('-u', user));
  if (workingDir !== undefined) changed = withChild(changed, 'working_dir', words.add('-w', workingDir));
  if (entrypoint !== undefined) {
    changed = withoutChild(changed, 'command');
    changed = withChild(changed, 'entrypoint', words.add('--entrypoint', entrypoint));
  }
  if (command.length > 0) {
    const items = command.map((word) => words.add('', word));
    changed = withChild(changed, 'command', listOf(items, machine));
  }
  return changed;
}

function mapOf(tree: Tree | undefined): ReadonlyMap<string, MapEntry> {
  return tree?.kind === 'map' ? tree.entries : new Map<string, MapEntry>();
}

function listOf(items: readonly Tree[], { span }: Tree): SequenceTree {
  return { kind: 'sequence', span: items.at(-1)?.span ?? span, items };
}

/** Options one after the other, each value with its place. */
class WrittenWords {
  #text = '';

  get text(): string {
    return this.#text;
  }

  add(flag: string, value: string): ScalarTree {
    this.#text += `${this.#text === '' ? '' : ' '}${flag === '' ? '' : `${flag} `}`;
    const start = this.#text.length;
    this.#text += value;
    const span = { file: COMMAND_LINE, start, end: this.#text.length };
    return { kind: 'scalar', span, value, isString: true };
  }
}
