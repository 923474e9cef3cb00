import type { Devices, Display, Gpu, LogSettings, Machine, SerialPort } from '../project/project.ts';
import { formatSize } from '../project/units.ts';
import { type Change, changed, compareNamed } from './change.ts';

/** Vsock ports, console ports, serial port, GPU, screens, input devices and sound, each in the words of the file. */
export function compareDevices(before: Machine, after: Machine): Change[] {
  const [from, to] = [before.devices ?? {}, after.devices ?? {}];
  return [
    ...compareNamed('vsock', 'vsock port', vsockTexts(from), vsockTexts(to)),
    ...comparePorts(from, to),
    ...withKey('console/kernel', 'console kernel', from.kernelConsole ?? 'hvc0', to.kernelConsole ?? 'hvc0'),
    ...withKey('serial', 'serial', serialText(from.serial), serialText(to.serial)),
    ...withKey('gpu', 'gpu', gpuText(from.gpu), gpuText(to.gpu)),
    ...withKey('display', 'display', displaysText(from.displays), displaysText(to.displays)),
    ...withKey('input', 'input', from.inputs?.join(' ') ?? 'none', to.inputs?.join(' ') ?? 'none'),
    ...withKey('sound', 'sound', from.sound ?? false, to.sound ?? false),
  ];
}

function withKey(key: string, name: string, from: string | boolean, to: string | boolean): Change[] {
  return changed(name, from, to).map((change) => ({ ...change, key }));
}

function vsockTexts({ vsock = [] }: Devices): Readonly<Record<string, string>> {
  const direction = { host: 'connect', guest: 'listen' } as const;
  return Object.fromEntries(
    vsock.map(({ port, socket, listener }) => [String(port), `${direction[listener]}, ${socket}`]),
  );
}

function comparePorts(before: Devices, after: Devices): Change[] {
  const texts = ({ consolePorts = [] }: Devices): Readonly<Record<string, string>> =>
    Object.fromEntries(
      consolePorts.map(({ name, kind, path }) => [name, `${kind === 'socket' ? 'socket' : 'tty'} ${path}`]),
    );
  const order = ({ consolePorts = [] }: Devices): string => consolePorts.map(({ name }) => name).join(' ');
  const changes = compareNamed('console/ports', 'console port', texts(before), texts(after));
  if (changes.length > 0 || order(before) === order(after)) return changes;
  return [{ key: 'console/ports', text: 'order of console ports changed' }];
}

function serialText(serial: SerialPort | undefined): string {
  if (!serial) return 'none';
  return `log ${serial.log ?? 'nowhere'}, input ${serial.input ?? 'none'}`;
}

function gpuText(gpu: Gpu | undefined): string {
  if (!gpu) return 'none';
  const { virgl, venus, flags, shmBytes } = gpu;
  const words = [...(virgl ? ['virgl'] : []), ...(venus ? ['venus'] : []), ...flags];
  const size = shmBytes === undefined ? [] : [`shm ${formatSize(shmBytes)}`];
  return [words.join(' ') || 'no renderer', ...size].join(', ');
}

function displaysText(displays: readonly Display[] = []): string {
  return displays.map(displayText).join('; ') || 'none';
}

function displayText({ width, height, refreshRateHz, dpi, physicalSizeMm, edid }: Display): string {
  return [
    `${width}x${height}`,
    ...(refreshRateHz === undefined ? [] : [`${refreshRateHz} Hz`]),
    ...(dpi === undefined ? [] : [`${dpi} dpi`]),
    ...(physicalSizeMm === undefined ? [] : [`${physicalSizeMm.width}x${physicalSizeMm.height} mm`]),
    ...(edid === undefined ? [] : [`EDID ${edid}`]),
  ].join(' ');
}

/** Sizes of the log, and the file beside it. */
export function compareLogs(before: Machine, after: Machine): Change[] {
  const file = ({ consoleFile }: LogSettings): string => consoleFile ?? 'none';
  const sizes = ({ maxBytes, maxFiles }: LogSettings): string => `${maxBytes} ${maxFiles}`;
  return [
    ...(sizes(before.logs) === sizes(after.logs) ? [] : [{ key: 'logs', text: 'logs changed' }]),
    ...withKey('console/log', 'console log', file(before.logs), file(after.logs)),
  ];
}
