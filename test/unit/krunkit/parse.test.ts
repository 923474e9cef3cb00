import { describe, expect, it } from 'vitest';
import type { KrunkitOptions } from '../../../src/krunkit/options.ts';
import { parseKrunkit } from '../../../src/krunkit/parse.ts';

const NEEDED = ['--cpus', '2', '--memory', '2048'];

function options(...words: readonly string[]): KrunkitOptions {
  const result = parseKrunkit([...NEEDED, ...words]);
  if (!result.ok || result.value.kind !== 'machine') throw new Error(JSON.stringify(result));
  return result.value.options;
}

function device(text: string): unknown {
  return options('--device', text).devices[0];
}

describe("krunkit's options", () => {
  it('need CPUs and memory, and have defaults for the rest', () => {
    expect(options()).toEqual({
      cpus: 2,
      memoryMiB: 2048,
      nested: false,
      devices: [],
      restfulUri: { kind: 'none' },
      oemStrings: [],
      gui: false,
    });
  });

  it('are taken in one word or two, by letters, and by several letters at once', () => {
    const written = [
      ['--cpus', '4', '--memory', '1G', '--nested', '--firmware-path', '/f'],
      ['--cpus=4', '--memory=1G', '--nested', '--firmware-path=/f'],
      ['-c', '4', '-m', '1G', '-n', '-f', '/f'],
      ['-c4', '-m=1G', '-nf', '/f'],
    ];
    for (const words of written) {
      const result = parseKrunkit(words);
      expect(result).toMatchObject({
        ok: true,
        value: { options: { cpus: 4, memoryMiB: 1024, nested: true, firmwarePath: '/f' } },
      });
    }
  });

  it.each([
    ['512', 512],
    ['512M', 512],
    ['512m', 512],
    ['2G', 2048],
    ['60g', 61_440],
  ])('take %s of memory for %i MiB', (text, memoryMiB) => {
    expect(parseKrunkit(['-c1', '-m', text])).toMatchObject({ value: { options: { memoryMiB } } });
  });

  it('keep the rest as it is written', () => {
    expect(
      options(
        '--bootloader',
        'efi,variable-store=/tmp/store,create',
        '--restful-uri',
        'unix:///tmp/rest',
        '--gui',
        '--oem-string',
        'a',
        '--oem-string=b=c',
        '--krun-log-level',
        '7',
        '--pidfile',
        'pid',
        '--log-file',
        'log',
        '--timesync',
        'vsockPort=1234',
      ),
    ).toMatchObject({
      bootloader: { variableStore: '/tmp/store', create: true },
      restfulUri: { kind: 'unix', path: '/tmp/rest' },
      gui: true,
      oemStrings: ['a', 'b=c'],
      logLevel: 5,
      pidFile: 'pid',
      logFile: 'log',
      timesyncPort: 1234,
    });
  });

  it.each([
    ['none://', { kind: 'none' }],
    ['tcp://localhost:8081', { kind: 'tcp', host: '127.0.0.1', port: 8081 }],
    ['tcp://192.0.2.1:1', { kind: 'tcp', host: '192.0.2.1', port: 1 }],
    ['unix:///tmp/path', { kind: 'unix', path: '/tmp/path' }],
  ])('know the address %s', (text, restfulUri) => {
    expect(options('--restful-uri', text).restfulUri).toEqual(restfulUri);
  });

  it('ask for help or the version whatever else is there', () => {
    expect(parseKrunkit(['--cpus', 'x', '--help'])).toEqual({ ok: true, value: { kind: 'help' } });
    expect(parseKrunkit(['-V'])).toEqual({ ok: true, value: { kind: 'version' } });
  });
});

describe("krunkit's devices", () => {
  it.each<[string, unknown]>([
    ['virtio-blk,path=/d', { kind: 'disk', path: '/d', format: 'raw' }],
    ['virtio-blk,format=qcow2,path=/d', { kind: 'disk', path: '/d', format: 'qcow2' }],
    ['virtio-blk,path=/d,format=RAW', { kind: 'disk', path: '/d', format: 'raw' }],
    ['virtio-rng', { kind: 'rng' }],
    ['virtio-serial,logFilePath=/l', { kind: 'serial', logFile: '/l' }],
    ['virtio-gpu,width=800,height=600', { kind: 'gpu', width: 800, height: 600 }],
    ['virtio-input,keyboard', { kind: 'input', type: 'keyboard' }],
    ['virtio-input,pointing', { kind: 'input', type: 'pointing' }],
    ['virtio-vsock,port=1024,socketURL=/s', { kind: 'vsock', port: 1024, path: '/s', listener: 'host' }],
    ['virtio-vsock,port=1,socketURL=/s,listen', { kind: 'vsock', port: 1, path: '/s', listener: 'host' }],
    ['virtio-vsock,connect,port=1,socketURL=/s', { kind: 'vsock', port: 1, path: '/s', listener: 'guest' }],
    [
      'virtio-fs,sharedDir=/d,mountTag=t',
      { kind: 'share', directory: '/d', tag: 't', semantics: 'simplified', hasOwnSemantics: false },
    ],
    [
      'virtio-fs,mountTag=t,sharedDir=/d,permissionSemantics=Complete',
      { kind: 'share', directory: '/d', tag: 't', semantics: 'complete', hasOwnSemantics: true },
    ],
  ])('%s', (text, expected) => {
    expect(device(text)).toEqual(expected);
  });

  const mac = '5a:94:ef:e4:0c:ee';
  it.each<[string, unknown]>([
    [
      `virtio-net,unixSocketPath=/s,mac=${mac}`,
      { socket: 'unixgram', peer: { path: '/s' }, mac, offloading: true, vfkitMagic: true },
    ],
    [
      `virtio-net,type=unixgram,path=/s,mac=5A-94-EF-E4-0C-EE`,
      { socket: 'unixgram', peer: { path: '/s' }, mac, offloading: false, vfkitMagic: false },
    ],
    [
      // As macOS's own programs write it.
      `virtio-net,type=unixgram,path=/s,mac=5a:94:ef:0:c:ee`,
      {
        socket: 'unixgram',
        peer: { path: '/s' },
        mac: '5a:94:ef:00:0c:ee',
        offloading: false,
        vfkitMagic: false,
      },
    ],
    [
      `virtio-net,type=unixgram,fd=4,mac=${mac},offloading=on,vfkitMagic=true`,
      { socket: 'unixgram', peer: { fd: 4 }, mac, offloading: true, vfkitMagic: true },
    ],
    [
      `virtio-net,type=unixstream,path=/s,mac=${mac},offloading=false`,
      { socket: 'unixstream', peer: { path: '/s' }, mac, offloading: false, vfkitMagic: false },
    ],
    [
      `virtio-net,mac=${mac},fd=5,offloading=true,type=unixstream`,
      { socket: 'unixstream', peer: { fd: 5 }, mac, offloading: true, vfkitMagic: false },
    ],
  ])('%s', (text, expected) => {
    expect(device(text)).toEqual({ kind: 'net', ...(expected as object) });
  });
});
