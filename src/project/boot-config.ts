import type { BootConfig } from '../config/schema.gen.ts';
import { cmdlineProblem, formatProblem } from '../vm/kernel-format.ts';
import type { Boot } from './boot.ts';
import { type HostScope, resolveHostPath } from './host-path.ts';
import type { Place } from './place.ts';

/** What booting depends on beside the file. */
export interface BootScope extends HostScope {
  /** As Node says it. */
  readonly hostArch: string;
}

/** What boots in place of the bundled kernel; the schema has seen that there is one of the three. */
export function resolveBoot(config: BootConfig, scope: BootScope, at: Place): Boot {
  const { firmware, kernel = '', init } = config;
  if (kernel !== '') return resolveKernel(config, kernel, scope, at);
  const kind = init === undefined ? 'firmware' : 'init';
  for (const key of ['format', 'initrd', 'cmdline'] as const) {
    if (config[key] === undefined) continue;
    at.child(key).keyError('conflict', `\`${key}\` is about a kernel, and \`boot\` names none`, {
      related: [{ message: 'what boots is said here', span: at.child(kind).keySpan }],
      hint: `remove \`${key}\`, or name a \`kernel\``,
    });
  }
  if (init !== undefined) return { kind, path: resolveHostPath(init, scope, at.child('init')) };
  if (firmware === 'efi' || firmware === undefined) return { kind: 'firmware' };
  return { kind: 'firmware', path: resolveHostPath(firmware, scope, at.child('firmware')) };
}

function resolveKernel(config: BootConfig, kernel: string, scope: BootScope, at: Place): Boot {
  const { format, initrd, cmdline } = config;
  const badFormat = format && formatProblem(format, scope.hostArch);
  if (badFormat) at.child('format').error('capability', badFormat.message, badFormat);
  const badCmdline = cmdline === undefined ? undefined : cmdlineProblem(cmdline);
  if (badCmdline) at.child('cmdline').error('invalid-value', badCmdline.message, badCmdline);
  return {
    kind: 'kernel',
    path: resolveHostPath(kernel, scope, at.child('kernel')),
    ...(format === undefined ? {} : { format }),
    ...(initrd === undefined ? {} : { initrd: resolveHostPath(initrd, scope, at.child('initrd')) }),
    ...(cmdline === undefined ? {} : { cmdline }),
  };
}
