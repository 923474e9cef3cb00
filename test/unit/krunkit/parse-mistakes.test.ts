import { describe, expect, it } from 'vitest';
import { parseKrunkit } from '../../../src/krunkit/parse.ts';

const NEEDED = ['--cpus', '2', '--memory', '2048'];

/** Each mistake with its hint. */
function mistakes(words: readonly string[]): readonly string[] {
  const result = parseKrunkit(words);
  if (result.ok) return [];
  return result.error.map(({ message, hint }) => (hint === undefined ? message : `${message} | ${hint}`));
}

describe('mistakes', () => {
  const mac = 'mac=5a:94:ef:e4:0c:ee';
  it.each<[string, readonly string[], string]>([
    ['no cpus', ['-m1'], '`--cpus` is missing | say how many CPUs the machine has: --cpus 2'],
    ['no memory', ['-c1'], '`--memory` is missing | say how much memory the machine has: --memory 2G'],
    ['0 cpus', ['-c0', '-m1'], '`--cpus` must be a number from 1 to 255, not `0`'],
    ['256 cpus', ['-c256', '-m1'], '`--cpus` must be a number from 1 to 255, not `256`'],
    ['0 memory', ['-c1', '-m0'], '`--memory` cannot be 0 | write --memory 2G'],
    [
      'much memory',
      ['-c1', '-m61441'],
      "`--memory 61441` is more than krunkit's limit of 61440 MiB (60 GiB)",
    ],
    ['peta', ['-c1', '-m1P'], "`--memory 1P` is more than krunkit's limit of 61440 MiB (60 GiB)"],
    ['a unit', ['-c1', '-m1K'], '`--memory 1K`: there is no unit `K` | the units are M (MiB), G, T and P'],
    [
      'no number',
      ['-c1', '-mabc'],
      '`--memory` cannot be `abc` | write MiB, such as 2048, or a unit: 2048M, 2G',
    ],
    ['twice', ['-c1', '-c2', '-m1'], '`-c` is given twice | remove one of the two'],
    ['a word', ['-c1', '-m1', 'x'], 'unexpected argument `x` | krunkit takes options only'],
    ['behind --', ['-c1', '-m1', '--', '-n'], 'unexpected argument `-n` | krunkit takes options only'],
    [
      'misspelt',
      ['-c1', '-m1', '--devices', 'virtio-rng'],
      'unknown option `--devices` | did you mean `--device`?',
    ],
    [
      'unheard of',
      ['-c1', '-m1', '--zzz'],
      'unknown option `--zzz` | `krun krunkit --help` lists the options',
    ],
    ['a letter', ['-c1', '-m1', '-x'], 'unknown option `-x` | `krun krunkit --help` lists the options'],
    ['no value', ['-c1', '-m1', '--pidfile'], '`--pidfile` needs a value | write --pidfile FILE'],
    [
      'an option as value',
      ['-c1', '-m1', '--pidfile', '-n'],
      '`--pidfile` needs a value | write --pidfile FILE',
    ],
    ['a value too many', ['-c1', '-m1', '--gui=yes'], '`--gui` takes no value | write `--gui` alone'],
  ])('%s', (_name, words, expected) => {
    expect(mistakes(words)).toEqual([expected]);
  });

  it.each<[readonly string[], string]>([
    [
      ['--krun-log-level', 'warn'],
      '`--krun-log-level` cannot be `warn` | write 0 (off), 1 (error), 2 (warn), 3 (info), 4 (debug) or 5 (trace)',
    ],
    [
      ['--restful-uri', 'foobar'],
      '`--restful-uri` cannot be `foobar` | write unix:///path/to/socket, tcp://localhost:8081 or none://',
    ],
    [
      ['--restful-uri', 'unix://'],
      '`--restful-uri unix://` names no socket | write unix:///path/to/socket, tcp://localhost:8081 or none://',
    ],
    [
      ['--restful-uri', 'tcp://localhost'],
      '`--restful-uri tcp://localhost` has no port | write tcp://localhost:PORT or tcp://IPV4-ADDRESS:PORT',
    ],
    [
      ['--restful-uri', 'tcp://x:1'],
      '`--restful-uri tcp://x:1`: `x` is no IPv4 address | write tcp://localhost:PORT or tcp://IPV4-ADDRESS:PORT',
    ],
    [
      ['--restful-uri', 'tcp://localhost:70000'],
      '`--restful-uri tcp://localhost:70000`: `70000` is no port | write tcp://localhost:PORT or tcp://IPV4-ADDRESS:PORT',
    ],
    [['--timesync', '1234'], '--timesync 1234: unknown argument `1234` | it takes `vsockPort`'],
    [
      ['--timesync', 'vsockPort=x'],
      '--timesync vsockPort=x: `vsockPort` must be a number from 0 to 4294967295, not `x`',
    ],
    [
      ['--bootloader', 'linux'],
      '--bootloader linux: unknown argument `linux` | it takes `efi`, `variable-store` and `create`',
    ],
    [
      ['--bootloader', 'create'],
      '--bootloader create: krunkit has only the boot loader `efi` | write --bootloader efi',
    ],
    [['--bootloader', 'efi=1'], '--bootloader efi=1: `efi` takes no value | write `efi` alone'],
    [
      ['--device', 'virtio-bk'],
      '--device virtio-bk: there is no device `virtio-bk` | did you mean virtio-blk?',
    ],
    [['--device', 'virtio-blk'], '--device virtio-blk: `path` is missing | add path=VALUE'],
    [['--device', 'virtio-blk,path='], '--device virtio-blk,path=: `path` needs a value | write path=VALUE'],
    [
      ['--device', 'virtio-blk,path=/a,path=/b'],
      '--device virtio-blk,path=/a,path=/b: `path` is given twice | remove one of the two',
    ],
    [
      ['--device', 'virtio-blk,path=/a=b'],
      '--device virtio-blk,path=/a=b: the value of `path` has a second `=` | krunkit takes no such value',
    ],
    [
      ['--device', 'virtio-blk,path=/a,b.raw'],
      '--device virtio-blk,path=/a,b.raw: unknown argument `b.raw` | it takes `path` and `format`; a comma cannot be part of a value',
    ],
    [
      ['--device', 'virtio-blk,path=/a,'],
      '--device virtio-blk,path=/a,: there is nothing between two commas, or after the last',
    ],
    [
      ['--device', 'virtio-blk,path=/a,format=vmdk'],
      '--device virtio-blk,path=/a,format=vmdk: `format` cannot be `vmdk` | write one of raw, qcow2',
    ],
    [
      ['--device', 'virtio-blk,path=/a,formt=raw'],
      '--device virtio-blk,path=/a,formt=raw: unknown argument `formt` | did you mean `format`?',
    ],
    [
      ['--device', `virtio-net,${mac}`],
      `--device virtio-net,${mac}: neither \`type\` nor \`unixSocketPath\` says what serves the interface | add type=unixgram (gvproxy, vmnet-helper) or type=unixstream (passt, socket_vmnet), with path=SOCKET`,
    ],
    [
      ['--device', `virtio-net,type=unixgram,${mac}`],
      `--device virtio-net,type=unixgram,${mac}: \`path\` or \`fd\` is missing | add path=SOCKET, or fd=N for an open descriptor`,
    ],
    [
      ['--device', `virtio-net,type=unixgram,path=/s,fd=4,${mac}`],
      `--device virtio-net,type=unixgram,path=/s,fd=4,${mac}: \`path\` and \`fd\` exclude each other | remove one of the two`,
    ],
    [
      ['--device', `virtio-net,type=unixgram,unixSocketPath=/s,${mac}`],
      `--device virtio-net,type=unixgram,unixSocketPath=/s,${mac}: \`type\` and \`unixSocketPath\` exclude each other | write either unixSocketPath=SOCKET or type=unixgram,path=SOCKET`,
    ],
    [
      ['--device', `virtio-net,offloading=off,unixSocketPath=/s,${mac}`],
      `--device virtio-net,offloading=off,unixSocketPath=/s,${mac}: \`offloading\` and \`unixSocketPath\` exclude each other | unixSocketPath=SOCKET means type=unixgram,path=SOCKET,offloading=on,vfkitMagic=on; write that with your offloading`,
    ],
    [
      ['--device', `virtio-net,type=unixstream,path=/s,${mac},vfkitMagic=off`],
      `--device virtio-net,type=unixstream,path=/s,${mac},vfkitMagic=off: \`vfkitMagic\` is for type=unixgram only | remove it`,
    ],
    [
      ['--device', `virtio-net,type=tap,path=/s,${mac}`],
      `--device virtio-net,type=tap,path=/s,${mac}: \`type\` cannot be \`tap\` | write one of unixgram, unixstream`,
    ],
    [
      ['--device', `virtio-net,type=unixgram,fd=-1,${mac}`],
      `--device virtio-net,type=unixgram,fd=-1,${mac}: \`fd\` must be a number from 0 to 2147483647, not \`-1\``,
    ],
    [
      ['--device', 'virtio-net,type=unixgram,path=/s'],
      '--device virtio-net,type=unixgram,path=/s: `mac` is missing | add mac=VALUE',
    ],
    [
      ['--device', 'virtio-net,type=unixgram,path=/s,mac=1:2'],
      '--device virtio-net,type=unixgram,path=/s,mac=1:2: `mac` cannot be `1:2` | write six bytes, such as 5a:94:ef:e4:0c:ee',
    ],
    [
      ['--device', `virtio-net,type=unixgram,path=/s,${mac},offloading=yes`],
      `--device virtio-net,type=unixgram,path=/s,${mac},offloading=yes: \`offloading\` cannot be \`yes\` | write one of on, true, off, false`,
    ],
    [
      ['--device', 'virtio-vsock,port=1'],
      '--device virtio-vsock,port=1: `socketURL` is missing | add socketURL=VALUE',
    ],
    [
      ['--device', 'virtio-vsock,port=x,socketURL=/s'],
      '--device virtio-vsock,port=x,socketURL=/s: `port` must be a number from 0 to 4294967295, not `x`',
    ],
    [
      ['--device', 'virtio-vsock,port=1,socketURL=/s,listen,connect'],
      '--device virtio-vsock,port=1,socketURL=/s,listen,connect: `listen` and `connect` exclude each other | remove one of the two',
    ],
    [
      ['--device', 'virtio-vsock,port=1,socketURL=/s,listen=1'],
      '--device virtio-vsock,port=1,socketURL=/s,listen=1: `listen` takes no value | write `listen` alone',
    ],
    [
      ['--device', 'virtio-serial'],
      '--device virtio-serial: `logFilePath` is missing | add logFilePath=VALUE',
    ],
    [
      ['--device', 'virtio-fs,sharedDir=/d'],
      '--device virtio-fs,sharedDir=/d: `mountTag` is missing | add mountTag=VALUE',
    ],
    [
      ['--device', `virtio-fs,sharedDir=/d,mountTag=${'x'.repeat(37)}`],
      `--device virtio-fs,sharedDir=/d,mountTag=${'x'.repeat(37)}: \`mountTag\` has 37 bytes; virtio-fs has room for 36`,
    ],
    [
      ['--device', 'virtio-fs,sharedDir=/d,mountTag=/dev/root'],
      '--device virtio-fs,sharedDir=/d,mountTag=/dev/root: libkrun needs the tag /dev/root itself | choose another `mountTag`',
    ],
    [
      ['--device', 'virtio-fs,sharedDir=/d,mountTag=t,permissionSemantics=simplifed'],
      '--device virtio-fs,sharedDir=/d,mountTag=t,permissionSemantics=simplifed: `permissionSemantics` cannot be `simplifed` | did you mean simplified?',
    ],
    [
      ['--device', 'virtio-gpu,width=1'],
      '--device virtio-gpu,width=1: `height` is missing | add height=VALUE',
    ],
    [
      ['--device', 'virtio-input'],
      '--device virtio-input: `keyboard` or `pointing` is missing | write virtio-input,keyboard or virtio-input,pointing',
    ],
    [
      ['--device', 'virtio-input,keyboard,pointing'],
      '--device virtio-input,keyboard,pointing: `keyboard` and `pointing` are two devices | write one --device for each',
    ],
    [
      ['--oem-string', 'x'.repeat(256)],
      `\`--oem-string ${'x'.repeat(20)}…\` has 256 bytes; SMBIOS has room for 255`,
    ],
  ])('%j', (words, expected) => {
    expect(mistakes([...NEEDED, ...words])).toEqual([expected]);
  });

  it('that several arguments make together are told with both', () => {
    const vsock = (port: number, path: string): readonly string[] => [
      '--device',
      `virtio-vsock,port=${port},socketURL=${path},connect`,
    ];
    expect(mistakes([...NEEDED, ...vsock(1, '/a'), ...vsock(1, '/b')])[0]).toMatch(
      /^vsock port 1 is used twice/,
    );
    expect(mistakes([...NEEDED, ...vsock(1, '/a'), '--timesync', 'vsockPort=1'])[0]).toMatch(/used twice/);
    expect(mistakes([...NEEDED, ...vsock(1, '/a'), ...vsock(2, '/a')])[0]).toMatch(
      /^two virtio-vsock devices make/,
    );
    const twice = (text: string): readonly string[] =>
      mistakes([...NEEDED, '--device', text, '--device', text]);
    expect(twice('virtio-serial,logFilePath=/l')[0]).toMatch(/^there are 2 virtio-serial devices/);
    expect(twice('virtio-blk,path=/d')[0]).toMatch(/^the image \/d is attached twice/);
    expect(twice('virtio-fs,sharedDir=/d,mountTag=t')[0]).toMatch(/^two virtio-fs devices have the mountTag/);
    expect(twice(`virtio-net,type=unixgram,fd=4,${mac}`)[0]).toMatch(/^descriptor 4 serves two interfaces/);
  });

  it('are told all at once', () => {
    expect(
      mistakes(['--cpus', '0', '--memory', '1X', '--device', 'virtio-blk', '--restful-uri', 'x://']),
    ).toHaveLength(4);
  });
});
