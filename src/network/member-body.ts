import { isIP, isIPv4 } from 'node:net';
import type { BoundPort, Member } from './api.ts';

/** Reads the body of a PUT; a text says what is wrong with it. */
export function parseMember(text: string): Member | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return 'the body is not JSON';
    throw error;
  }
  if (!isObject(value)) return 'the body is not an object';
  const { mac, ip, names, linkSocket, ports } = value;
  if (typeof mac !== 'string' || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) {
    return '`mac` is not six lower-case hex bytes with colons';
  }
  if (typeof ip !== 'string' || !isIPv4(ip)) return '`ip` is not an IPv4 address';
  if (!isTexts(names)) return '`names` is not a list of texts';
  if (linkSocket !== undefined && !isPath(linkSocket)) return '`linkSocket` is not an absolute path';
  if (!Array.isArray(ports) || !ports.every(isPort)) return '`ports` is not a list of ports';
  return { mac, ip, names, ports, ...(linkSocket === undefined ? {} : { linkSocket }) };
}

function isPort(value: unknown): value is BoundPort {
  if (!isObject(value) || !isPortNumber(value['guest'])) return false;
  const { socket, host, hostIp, protocol } = value;
  if (socket !== undefined) return isPath(socket) && protocol === 'tcp';
  if (protocol !== 'tcp' && protocol !== 'udp') return false;
  return isPortNumber(host) && (hostIp === undefined || (typeof hostIp === 'string' && isIP(hostIp) !== 0));
}

function isPortNumber(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536;
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith('/') && !value.includes('\0');
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
