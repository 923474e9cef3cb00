import type { MachineConfig, SmbiosConfig } from '../config/schema.gen.ts';
import { type HostScope, resolveHostPath } from './host-path.ts';
import type { Place } from './place.ts';
import type { Machine } from './project.ts';
import { boolOr } from './scalars.ts';

/** What the machine's properties depend on beside the file. */
export interface OptionsScope extends HostScope {
  /** As Node says it. */
  readonly hostArch: string;
  readonly hostPlatform: string;
}

/** Properties that few machines have; absent where they say what is so anyway. */
export type MachineOptions = Pick<
  Machine,
  'nested' | 'splitIrqchip' | 'smbiosOemStrings' | 'teeConfig' | 'hostUid' | 'hostGid'
>;

export function resolveOptions(config: MachineConfig, scope: OptionsScope, at: Place): MachineOptions {
  const { uid, gid, tee } = config;
  const oemStrings = resolveSmbios(config, scope, at.child('smbios'));
  return {
    ...(boolOr(config.nested, false) ? { nested: true } : {}),
    ...(isIrqchipSplit(config, scope, at.child('split_irqchip')) ? { splitIrqchip: true } : {}),
    ...(oemStrings.length === 0 ? {} : { smbiosOemStrings: oemStrings }),
    ...(tee === undefined
      ? {}
      : { teeConfig: resolveHostPath(tee.config, scope, at.child('tee', 'config')) }),
    ...(uid === undefined ? {} : { hostUid: Number(uid) }),
    ...(gid === undefined ? {} : { hostGid: Number(gid) }),
  };
}

function isIrqchipSplit(config: MachineConfig, scope: OptionsScope, at: Place): boolean {
  const isSplit = boolOr(config.split_irqchip, false);
  if (isSplit && (scope.hostArch !== 'x64' || scope.hostPlatform !== 'linux')) {
    at.error('capability', 'libkrun splits the interrupt controller on x86_64 Linux only', {
      hint: 'remove `split_irqchip`',
    });
  }
  return isSplit;
}

const LONGEST_STRING_BYTES = 255;

function resolveSmbios(config: MachineConfig, scope: OptionsScope, at: Place): readonly string[] {
  const strings = (config.smbios satisfies SmbiosConfig | undefined)?.oem_strings ?? [];
  strings.forEach((text, index) => {
    const bytes = Buffer.byteLength(text);
    if (bytes <= LONGEST_STRING_BYTES && !text.includes('\0')) return;
    at.child('oem_strings', index).error(
      'limit',
      bytes > LONGEST_STRING_BYTES
        ? `an OEM string has at most ${LONGEST_STRING_BYTES} bytes, and this one has ${bytes}`
        : 'an OEM string ends at its first NUL character',
      { hint: 'write a shorter one, or several' },
    );
  });
  const isTold = config.boot?.firmware !== undefined && scope.hostArch === 'arm64';
  if (strings.length > 0 && !isTold) {
    at.warning('capability', 'only firmware on arm64 tells a guest its SMBIOS strings: this one has none', {
      span: at.keySpan,
      hint: 'pass them in `environment`, or as `configs`',
    });
  }
  return strings;
}
