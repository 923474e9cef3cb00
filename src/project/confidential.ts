import type { MachineConfig } from '../config/schema.gen.ts';
import type { Place } from './place.ts';
import type { Machine } from './project.ts';
import { boolOr } from './scalars.ts';

/** What libkrun-sev and libkrun-tdx have not: they boot a kernel of their own from a disk, and share nothing. */
export function checkConfidential(
  config: MachineConfig,
  machine: Machine,
  host: { readonly hostArch: string; readonly hostPlatform: string },
  at: Place,
): void {
  if (machine.teeConfig === undefined) return;
  const related = [{ message: 'it is confidential because of this', span: at.child('tee').keySpan }];
  const refuse = (key: string, message: string, hint: string): void =>
    at.child(key).keyError('conflict', message, { related, hint });
  if (host.hostArch !== 'x64' || host.hostPlatform !== 'linux') {
    at.child('tee').keyError('capability', 'libkrun runs confidential machines on x86_64 Linux only', {
      hint: 'remove `tee`',
    });
  }
  if (machine.root.kind === 'directory') {
    refuse(
      'root',
      'a confidential machine has no directory of the host as root',
      'put the root on a disk: `root: { disk: FILE }`; libkrun-sev decrypts a LUKS disk with what the attestation server says',
    );
  }
  if (machine.shares.length > 0) {
    refuse(
      'shares',
      'a confidential machine shares no directories with the host',
      'copy the files to its disk',
    );
  }
  if (machine.boot !== undefined) {
    refuse('boot', 'a confidential machine boots the kernel of its libkrunfw', 'remove `boot`');
  }
  if (boolOr(config.agent, false)) {
    refuse(
      'agent',
      'a confidential machine has no agent: it would run what the host sends',
      'remove `agent`',
    );
  }
}
