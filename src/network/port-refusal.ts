import { portHolder } from '../host/ports.ts';
import { systemHint } from '../host/errno.ts';
import type { Refusal } from './api.ts';
import { describeHostSide, type Forward } from './forward.ts';

/** Why a port of the host could not be taken, in words; `code` is the system's. */
export async function portRefusal(forward: Forward, code: string, text: string): Promise<Refusal> {
  const place = describeHostSide(forward);
  switch (code) {
    case 'EADDRINUSE':
      return busyRefusal(forward);
    case 'EACCES':
    case 'EPERM':
      return forward.protocol === 'unix'
        ? {
            message: `${place} cannot be made: permission denied`,
            hint: 'make its directory writable for your user',
          }
        : {
            message: `${place} is reserved for root`,
            hint: 'publish a port from 1024 up, or lower net.ipv4.ip_unprivileged_port_start',
          };
    case 'EADDRNOTAVAIL':
      return {
        message: `${place} cannot be published: the host has no such address`,
        hint: 'use an address of one of its interfaces, or 127.0.0.1',
      };
    case 'EAFNOSUPPORT':
      return { message: `${place} cannot be published: the host has no IPv6`, hint: 'use an IPv4 address' };
    default: {
      const hint = systemHint(code);
      return { message: `${place} cannot be published: ${text}`, ...(hint === undefined ? {} : { hint }) };
    }
  }
}

async function busyRefusal(forward: Forward): Promise<Refusal> {
  const place = describeHostSide(forward);
  if (forward.protocol === 'unix') {
    return {
      message: `${place} is in use by another process`,
      hint: 'end that process or choose another path',
    };
  }
  const holder = await portHolder(forward.hostPort, forward.protocol);
  const by = holder ? `process ${holder.pid} (${holder.name})` : 'a process of another user';
  return { message: `${place} is in use by ${by}`, hint: 'stop that process or publish another port' };
}

/** The system's code in gvproxy's answer, which is text for people; empty where it is none of the known ones. */
export function codeOfText(text: string): string {
  return CODES.find(([words]) => text.includes(words))?.[1] ?? '';
}

const CODES: readonly (readonly [words: string, code: string])[] = [
  ['address already in use', 'EADDRINUSE'],
  ['permission denied', 'EACCES'],
  ['operation not permitted', 'EPERM'],
  ['cannot assign requested address', 'EADDRNOTAVAIL'],
  ["can't assign requested address", 'EADDRNOTAVAIL'],
  ['address family not supported', 'EAFNOSUPPORT'],
  ['too many open files', 'EMFILE'],
];
