import { createHash } from 'node:crypto';

/** Prefixes with a meaning of their own: QEMU and libvirt, and gvproxy's gateway. */
const TAKEN_PREFIXES = ['52:54:00', '5a:94:ef'];

/** What tells one interface from all others. */
export interface InterfaceKey {
  readonly directory: string;
  /** Name that `-p` gave: such a project runs beside that of the same directory. */
  readonly nameOverride?: string | undefined;
  readonly network: string;
  readonly machine: string;
}

/** A locally administered unicast MAC address that stays the same for an interface and that no other has. */
export function macAddress({ directory, nameOverride = '', network, machine }: InterfaceKey): string {
  const text = [directory, nameOverride, network, machine].join('\0');
  for (let round = 0; ; round++) {
    const digest = createHash('sha256').update(`${text}\0${round}`).digest();
    // Bit 1 of the first byte: locally administered; bit 0 clear: not a group.
    const bytes = [((digest[0] ?? 0) & 0xfc) | 0x02, ...digest.subarray(1, 6)];
    const mac = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    if (!TAKEN_PREFIXES.some((prefix) => mac.startsWith(prefix))) return mac;
  }
}
