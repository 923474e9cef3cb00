import type { Diagnostic } from '../base/diagnostic.ts';
import type { BootConfig, MachineConfig, RootConfig } from '../config/schema.gen.ts';
import { bootsItself, type Boot, type Root } from './boot.ts';
import type { Place } from './place.ts';
import { boolOr } from './scalars.ts';

/** Whether a machine has the agent: unless it is turned off, in every guest that krun starts a shell in. */
export function hasAgent(config: MachineConfig): boolean {
  return boolOr(config.agent, !isSelfBooting(config) && config.tee === undefined);
}

/** {@link bootsItself}, of a machine as it is written. */
export function isSelfBooting({ boot, root }: Pick<MachineConfig, 'boot' | 'root'>): boolean {
  return bootsItself(boot && shapeOf(boot), rootKind(root));
}

function shapeOf({ firmware, init, kernel = '', initrd, cmdline }: BootConfig): Boot {
  if (firmware !== undefined) return { kind: 'firmware' };
  if (init !== undefined) return { kind: 'init', path: init };
  return {
    kind: 'kernel',
    path: kernel,
    ...(initrd === undefined ? {} : { initrd }),
    ...(cmdline === undefined ? {} : { cmdline }),
  };
}

function rootKind(root: RootConfig | undefined): Root['kind'] {
  if (root === undefined) return 'none';
  return typeof root === 'object' && root.disk !== undefined ? 'disk' : 'directory';
}

const REASONS = [
  ['agent', 'the agent is turned off here'],
  ['tee', 'a confidential machine has no agent'],
  ['boot', 'a guest that boots by itself has no agent'],
] as const;

/** Why a machine has no agent, with its place. */
export function withoutAgentNote(machine: Place): Pick<Diagnostic, 'related'> {
  const found = REASONS.find(([key]) => machine.child(key).isWritten);
  if (!found) return {};
  const [key, message] = found;
  return { related: [{ message, span: machine.child(key).keySpan }] };
}
