import { describe, expect, it } from 'vitest';
import type { VmnetSettings } from '../../../src/machine/spec.ts';
import { needsSudo, vmnetCommand } from '../../../src/machine/vmnet-command.ts';
import { explainVmnet } from '../../../src/machine/vmnet.ts';

const ID = '6b2c1f9e-0d5a-5c1e-9a40-1f5f2b3c4d5e';
const PROGRAM = '/opt/vmnet-helper/bin/vmnet-helper';
const ADDRESSES = { start: '192.168.200.1', end: '192.168.200.254', mask: '255.255.255.0' };

function command(settings: Partial<VmnetSettings>, { offloading = false, sudo = false } = {}): string {
  const all = { program: PROGRAM, mode: 'shared', isolation: false, interfaceId: ID, ...settings } as const;
  return vmnetCommand(all, { fd: 3, offloading, sudo }).join(' ');
}

const LINK = `--fd 3 --interface-id ${ID} --operation-mode`;

describe('vmnet-helper', () => {
  it.each([
    ['shared', {}, `${LINK} shared`],
    [
      'shared with addresses',
      { addresses: ADDRESSES },
      `${LINK} shared --start-address 192.168.200.1 --end-address 192.168.200.254 --subnet-mask 255.255.255.0`,
    ],
    ['host with isolation', { mode: 'host', isolation: true }, `${LINK} host --enable-isolation`],
    ['bridged', { mode: 'bridged', interface: 'en0' }, `${LINK} bridged --shared-interface en0`],
    [
      'bridged, where addresses and isolation mean nothing',
      { mode: 'bridged', interface: 'en0', isolation: true, addresses: ADDRESSES },
      `${LINK} bridged --shared-interface en0`,
    ],
  ] as const)('is started for a network that is %s', (_, settings, expected) => {
    expect(command(settings)).toBe(`${PROGRAM} ${expected}`);
  });

  it('computes for the guest only together: segments and checksums', () => {
    expect(command({}, { offloading: true })).toBe(
      `${PROGRAM} ${LINK} shared --enable-tso --enable-checksum-offload`,
    );
  });

  it('is started by sudo, which keeps its socket open', () => {
    expect(command({}, { sudo: true })).toBe(
      `sudo --non-interactive --close-from=4 ${PROGRAM} ${LINK} shared`,
    );
  });

  it.each([
    ['darwin', '24.6.0', '0.13.0', true],
    ['darwin', '25.0.0', '0.13.0', false],
    ['darwin', '25.1.0', '0.9.0', false],
    ['darwin', '25.1.0', '0.8.2', true],
    ['darwin', '25.1.0', undefined, false],
    ['darwin', '23.5.0', undefined, true],
  ])('needs root on %s %s with version %s: %s', (os, release, version, expected) => {
    expect(needsSudo({ os, release, ...(version === undefined ? {} : { version }) })).toBe(expected);
  });

  it.each([
    [
      'sudo: a password is required\n',
      'ended',
      true,
      'vmnet-helper ended at its start: sudo asks for a password (sudo: a password is required)',
    ],
    [
      'sudo: you are not permitted to use the -C option\n',
      'ended',
      true,
      'vmnet-helper ended at its start: sudo may not keep its open files (sudo: you are not permitted to use the -C option)',
    ],
    ['', 'silent', false, 'vmnet-helper did not say within 10 s that it is ready'],
  ])('that does not come up says why: %j', (said, announced, sudo, message) => {
    expect(explainVmnet(said, announced, sudo).message).toBe(message);
  });
});
