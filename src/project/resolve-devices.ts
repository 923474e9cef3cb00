import type { MachineConfig } from '../config/schema.gen.ts';
import { checkKernelConsole, resolveConsolePorts, resolveSerial } from './console.ts';
import { resolveDisplays, resolveGpu, resolveInputs } from './graphics.ts';
import type { HostScope } from './host-path.ts';
import type { Place } from './place.ts';
import type { Devices, VsockPort } from './project.ts';
import { boolOr } from './scalars.ts';
import { resolveVsock } from './vsock.ts';

/** A machine's devices beside disks, shares and interfaces; nothing where it has none. */
export function resolveDevices(
  config: MachineConfig,
  scope: HostScope,
  at: Place,
): { readonly devices?: Devices } {
  const { console = {}, serial } = config;
  checkKernelConsole(console, config.boot, at.child('console'));
  const vsock = resolveVsock(config.vsock ?? [], scope, at.child('vsock'));
  checkVsockUser(config, vsock, at);
  const consolePorts = resolveConsolePorts(console.ports ?? [], scope, at.child('console', 'ports'));
  const gpu = config.gpu === undefined ? undefined : resolveGpu(config.gpu, at.child('gpu'));
  const displays = resolveDisplays(config.display ?? [], gpu !== undefined, scope, at.child('display'));
  const inputs = resolveInputs(config.input ?? [], scope, at.child('input'));
  const devices: Devices = {
    ...(vsock.length === 0 ? {} : { vsock }),
    ...(consolePorts.length === 0 ? {} : { consolePorts }),
    ...(console.kernel === undefined ? {} : { kernelConsole: console.kernel }),
    ...(serial === undefined ? {} : { serial: resolveSerial(serial, scope, at.child('serial')) }),
    ...(gpu === undefined ? {} : { gpu }),
    ...(displays.length === 0 ? {} : { displays }),
    ...(inputs.length === 0 ? {} : { inputs }),
    ...(boolOr(config.sound, false) ? { sound: true } : {}),
  };
  return Object.keys(devices).length === 0 ? {} : { devices };
}

/** libkrun makes the socket after it has become that user, who has no way into krun's own directory. */
function checkVsockUser(config: MachineConfig, ports: readonly VsockPort[], at: Place): void {
  const key = config.uid === undefined ? 'gid' : 'uid';
  const listening = ports.find(({ listener }) => listener === 'guest');
  if (config[key] === undefined || listening === undefined) return;
  at.child('vsock').error('conflict', `krun cannot protect a socket that another user makes (\`${key}\`)`, {
    span: at.child('vsock').originOf(String(listening.port)),
    hint: 'let the guest connect to a socket of the host: `direction: connect`',
  });
}
