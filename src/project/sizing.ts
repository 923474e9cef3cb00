import type { MachineConfig } from '../config/schema.gen.ts';
import { LEAST_BUNDLED_KERNEL_MIB } from '../vm/constants.ts';
import type { Place } from './place.ts';
import { countOr } from './scalars.ts';
import { formatSize, MEBIBYTE, parseSize } from './units.ts';

const DEFAULT_MEMORY_MIB = 512;
/** Below this a guest boots, but a program of any size ends it. */
const SENSIBLE_MEMORY_MIB = 128;
/** libkrun takes a 32-bit number of MiB; more than this is a slip of the unit. */
const MOST_MEMORY_MIB = 16 * 1024 ** 2;
/** The bundled kernel is built for so many; libkrun would make the others and never use them. */
const GUEST_KERNEL_CPUS = 16;

/** Number of virtual CPUs, no more than host and guest kernel can use. */
export function resolveCpus(config: MachineConfig, hostCpus: number, at: Place): number {
  const wanted = countOr(config.cpus, 1);
  const most = Math.max(1, Math.min(hostCpus, GUEST_KERNEL_CPUS));
  if (wanted <= most) return wanted;
  const reason =
    most === GUEST_KERNEL_CPUS
      ? `the guest kernel uses ${GUEST_KERNEL_CPUS}`
      : `this host has ${hostCpus === 1 ? 'one' : hostCpus}`;
  at.child('cpus').warning('limit', `${wanted} CPUs are reduced to ${most}: ${reason}`);
  return most;
}

/** Memory of the guest in whole MiB. */
export function resolveMemory(config: MachineConfig, machine: Place): number {
  if (config.memory === undefined) return DEFAULT_MEMORY_MIB;
  const at = machine.child('memory');
  const parsed = parseSize(config.memory);
  if (!parsed.ok) {
    at.error('invalid-value', parsed.error.message, { hint: parsed.error.hint });
    return DEFAULT_MEMORY_MIB;
  }
  const memoryMiB = Math.ceil(parsed.value / MEBIBYTE);
  const hint = 'write 128MiB or more';
  if (memoryMiB < LEAST_BUNDLED_KERNEL_MIB) {
    const least = `a guest needs ${LEAST_BUNDLED_KERNEL_MIB} MiB`;
    at.error('limit', `${formatSize(parsed.value)} of memory cannot hold the guest kernel: ${least}`, {
      hint,
    });
  } else if (memoryMiB < SENSIBLE_MEMORY_MIB) {
    at.warning('limit', `${memoryMiB} MiB of memory leave little beside the guest kernel`, { hint });
  } else if (memoryMiB > MOST_MEMORY_MIB) {
    at.error('limit', `${formatSize(parsed.value)} of memory is more than libkrun takes`);
  }
  return memoryMiB;
}
