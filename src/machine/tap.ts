import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { errnoOf, ignoreErrno } from '../host/errno.ts';
import { libc, systemError } from '../host/libc.ts';
import { StartFailure, type MachineFailure } from './failure.ts';

/** A name with its NUL fills `ifr_name`; libkrun copies a longer one over what comes after it. */
const MOST_NAME_BYTES = 15;
const IFREQ_BYTES = 40;
const TUNSETIFF = 0x4004_54ca;
/** As libkrun opens it: IFF_TAP, IFF_NO_PI, IFF_VNET_HDR. */
const TAP_FLAGS = 0x0002 | 0x1000 | 0x4000;
const IFF_UP = 1;

/**
 * Makes sure that libkrun will be able to open a tap device, by opening it. krun makes none, not even as root: a device
 * alone leads nowhere. Its addresses, bridge and filter are the host's administration, and a device that has them must
 * stay when the machine ends. Throws {@link StartFailure}.
 */
export function checkTap(name: string, device: string): void {
  const failure = tapFailure(name);
  if (failure)
    throw new StartFailure({ code: 'environment', ...failure, message: `${device}: ${failure.message}` });
}

type Told = Omit<MachineFailure, 'code'>;

function tapFailure(name: string): Told | undefined {
  const bytes = Buffer.byteLength(name);
  if (bytes === 0 || bytes > MOST_NAME_BYTES || !/^[^/\s]+$/.test(name))
    return { message: `'${name}' is no name of a tap device, which has 1 to ${MOST_NAME_BYTES} bytes` };
  const sysfs = `/sys/class/net/${name}`;
  if (!statSync(sysfs, { throwIfNoEntry: false })) {
    return { message: `there is no tap device ${name}`, hint: creationHint(name) };
  }
  if (!statSync(`${sysfs}/tun_flags`, { throwIfNoEntry: false })) {
    const hint = 'name a tap device, or leave the network card to a bridge that has one';
    return { message: `${name} is not a tap device`, hint };
  }
  if ((Number(readFileSync(`${sysfs}/flags`, 'utf8')) & IFF_UP) === 0) {
    return { message: `tap device ${name} is down`, hint: `\`sudo ip link set ${name} up\`` };
  }
  return openFailure(name);
}

function openFailure(name: string): Told | undefined {
  let fd: number;
  try {
    fd = openSync('/dev/net/tun', 'r+');
  } catch (error) {
    ignoreErrno(error, 'ENOENT', 'ENODEV', 'EACCES', 'EPERM');
    const code = errnoOf(error) ?? '';
    if (code === 'EACCES' || code === 'EPERM')
      return {
        message: 'permission denied: /dev/net/tun',
        hint: '`sudo chmod 666 /dev/net/tun` is the usual mode',
      };
    return {
      message: `the host has no /dev/net/tun (${code})`,
      hint: '`sudo modprobe tun` loads its driver',
    };
  }
  try {
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write(name);
    request.writeUInt16LE(TAP_FLAGS, 16);
    if (libc().ioctl(fd, TUNSETIFF, 'uint8_t *', request) === 0) return undefined;
    const code = errnoOf(systemError('TUNSETIFF', name)) ?? '';
    return OPEN_FAILURES[code]?.(name) ?? { message: `tap device ${name} cannot be opened (${code})` };
  } finally {
    closeSync(fd);
  }
}

const OPEN_FAILURES: Readonly<Record<string, (name: string) => Told>> = {
  EPERM: (name) => ({
    message: `tap device ${name} belongs to another user`,
    hint: `make it for this one: \`sudo ip link del ${name}\`, then ${creationHint(name)}`,
  }),
  EBUSY: (name) => ({
    message: `tap device ${name} is in use by another program`,
    hint: 'stop it, or give this machine a tap device of its own',
  }),
  EINVAL: (name) => ({
    message: `tap device ${name} is not of the kind that libkrun opens (one queue, no tun)`,
    hint: `make it anew: \`sudo ip link del ${name}\`, then ${creationHint(name)}`,
  }),
};

function creationHint(name: string): string {
  return `\`sudo ip tuntap add dev ${name} mode tap user $USER vnet_hdr\` and \`sudo ip link set ${name} up\``;
}
