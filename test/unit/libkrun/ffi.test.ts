import { describe, expect, it } from 'vitest';
import { checkArguments } from '../../../src/libkrun/arguments.ts';
import { ArgumentError } from '../../../src/libkrun/errors.ts';
import type { Argument } from '../../../src/vm/calls.ts';
import type { LibkrunFunction } from '../../../src/vm/functions.ts';

describe('arguments', () => {
  it('get the null pointer that ends a string array', () => {
    expect(checkArguments('krun_set_port_map', [0, ['80:80']])).toEqual([0, ['80:80', null]]);
    expect(checkArguments('krun_set_port_map', [0, []])).toEqual([0, [null]]);
  });

  it('may be null only where libkrun checks for it', () => {
    expect(checkArguments('krun_set_root_disk_remount', [0, '/dev/vda', null, null])).toHaveLength(4);
  });

  it('are six bytes for a MAC address', () => {
    expect(checkArguments('krun_add_net_unixstream', [0, null, 7, '02:00:5e:10:00:ff', 0, 0])).toEqual([
      0,
      null,
      7,
      Uint8Array.of(2, 0, 0x5e, 0x10, 0, 0xff),
      0,
      0,
    ]);
  });

  it.each([
    ['krun_set_root', [0, null]],
    ['krun_set_root', [0, 'a\0b']],
    ['krun_set_root', [0]],
    ['krun_set_vm_config', [0, 256, 512]],
    ['krun_set_vm_config', [0, 1, 2 ** 32]],
    ['krun_set_vm_config', [0, 1.5, 512]],
    ['krun_set_vm_config', [-1, 1, 512]],
    ['krun_add_virtiofs2', [0, 't', '/p', 2 ** 53]],
    ['krun_add_disk2', [0, 'id', '/p', 0, 1]],
    ['krun_set_rlimits', [0, ['7=1:1', 'a\0b']]],
    ['krun_set_rlimits', [0, '7=1:1']],
    ['krun_set_exec', [0, '/bin/sh', [], null]],
    ['krun_set_port_map', [0, Array.from({ length: 4096 }, () => '1:1')]],
    ['krun_init_log', [-2, 0, 0, 0]],
    ['krun_add_net_tap', [0, 'krun0', '02:00:5e:10:00', 0, 0]],
    ['krun_add_net_tap', [0, 'krun0', '02:00:5E:10:00:FF', 0, 0]],
    ['krun_add_net_tap', [0, null, '02:00:5e:10:00:ff', 0, 0]],
    ['krun_add_net_unixgram', [0, '/s', -1, '', 0, 0]],
  ] satisfies [LibkrunFunction, readonly Argument[]][])(
    'that would crash %s are refused: %j',
    (name, args) => {
      expect(() => checkArguments(name, args)).toThrow(ArgumentError);
    },
  );
});
