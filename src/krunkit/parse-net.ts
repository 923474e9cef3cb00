import type { KrunkitNet } from './options.ts';
import type { Words } from './words.ts';

/** The arguments of virtio-net in all three forms. */
export const NET_WORDS: readonly string[] = [
  'unixSocketPath',
  'type',
  'path',
  'fd',
  'mac',
  'offloading',
  'vfkitMagic',
];

const MOST_DESCRIPTOR = 0x7fff_ffff;

/**
 * `unixSocketPath=` (gvproxy as vfkit has it), `type=unixgram` or `type=unixstream`; mistakes are told to
 * `words`.
 */
export function parseNet(words: Words): KrunkitNet | undefined {
  const mac = parseMac(words);
  if (words.has('unixSocketPath')) return parseVfkitForm(words, mac);
  if (!words.has('type')) {
    words.reject(
      'missing-key',
      'neither `type` nor `unixSocketPath` says what serves the interface',
      'add type=unixgram (gvproxy, vmnet-helper) or type=unixstream (passt, socket_vmnet), with path=SOCKET',
    );
    return undefined;
  }
  const socket = parseType(words);
  const offloading = words.boolean('offloading');
  const vfkitMagic = words.boolean('vfkitMagic');
  if (socket === 'unixstream' && words.has('vfkitMagic'))
    words.reject('conflict', '`vfkitMagic` is for type=unixgram only', 'remove it');
  const peer = parsePeer(words);
  if (socket === undefined || peer === undefined || mac === undefined) return undefined;
  return { kind: 'net', socket, peer, mac, offloading, vfkitMagic };
}

function parseVfkitForm(words: Words, mac: string | undefined): KrunkitNet | undefined {
  for (const key of NET_WORDS) {
    if (key === 'unixSocketPath' || key === 'mac' || !words.has(key)) continue;
    words.reject(
      'conflict',
      `\`${key}\` and \`unixSocketPath\` exclude each other`,
      key === 'type' || key === 'path' || key === 'fd'
        ? 'write either unixSocketPath=SOCKET or type=unixgram,path=SOCKET'
        : `unixSocketPath=SOCKET means type=unixgram,path=SOCKET,offloading=on,vfkitMagic=on; write that with your ${key}`,
    );
  }
  const path = words.text('unixSocketPath');
  if (path === undefined || mac === undefined) return undefined;
  return { kind: 'net', socket: 'unixgram', peer: { path }, mac, offloading: true, vfkitMagic: true };
}

function parseType(words: Words): 'unixgram' | 'unixstream' | undefined {
  const value = words.text('type');
  if (value === undefined) return undefined;
  return words.choice('type', value, { unixgram: 'unixgram', unixstream: 'unixstream' } as const);
}

function parsePeer(words: Words): KrunkitNet['peer'] | undefined {
  if (words.has('path') && words.has('fd')) {
    words.reject('conflict', '`path` and `fd` exclude each other', 'remove one of the two');
    return undefined;
  }
  if (!words.has('path') && !words.has('fd')) {
    words.reject(
      'missing-key',
      '`path` or `fd` is missing',
      'add path=SOCKET, or fd=N for an open descriptor',
    );
    return undefined;
  }
  if (words.has('fd')) {
    const fd = words.number('fd', words.text('fd'), 0, MOST_DESCRIPTOR);
    return fd === undefined ? undefined : { fd };
  }
  const path = words.text('path');
  return path === undefined ? undefined : { path };
}

/** As krunkit: a byte may have one digit. */
function parseMac(words: Words): string | undefined {
  const value = words.required('mac');
  if (value === undefined) return undefined;
  const bytes = value.toLowerCase().split(/[:-]/);
  if (bytes.length === 6 && bytes.every((byte) => /^[0-9a-f]{1,2}$/.test(byte)))
    return bytes.map((byte) => byte.padStart(2, '0')).join(':');
  words.reject(
    'invalid-value',
    `\`mac\` cannot be \`${value}\``,
    'write six bytes, such as 5a:94:ef:e4:0c:ee',
  );
  return undefined;
}
