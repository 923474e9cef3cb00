import { VIRGL_FLAGS } from '../vm/constants.ts';
import type { VmGpu } from '../vm/vm.ts';
import type { SpecDevices, SpecVsockPort } from '../machine/spec.ts';
import type { Gpu, Machine, VsockPort } from '../project/project.ts';
import { vsockSocket, type Layout } from '../store/layout.ts';

/** What a machine's process is told of its devices; nothing where it has none. */
export function specDevices(
  { devices, name, agent }: Machine,
  layout: Layout,
): { readonly devices?: SpecDevices } {
  if (devices === undefined) return {};
  const { vsock, consolePorts, gpu, ...rest } = devices;
  const spec: SpecDevices = {
    ...rest,
    ...(vsock === undefined ? {} : { vsock: vsock.map((port) => specVsockPort(port, name, layout)) }),
    ...(consolePorts === undefined || agent ? {} : { consolePorts }),
    ...(gpu === undefined ? {} : { gpu: vmGpu(gpu) }),
  };
  return Object.keys(spec).length === 0 ? {} : { devices: spec };
}

function specVsockPort(
  { port, socket, listener }: VsockPort,
  machine: string,
  layout: Layout,
): SpecVsockPort {
  if (listener === 'host') return { port, path: socket, listener };
  return { port, path: vsockSocket(layout, machine, port), listener, link: socket };
}

function vmGpu({ virgl, venus, flags, shmBytes }: Gpu): VmGpu {
  const names = [...flags, ...(venus ? ['venus' as const] : []), ...(virgl ? [] : ['no_virgl' as const])];
  const virglFlags = names.reduce((sum, flag) => sum + VIRGL_FLAGS[flag], 0);
  return { virglFlags, ...(shmBytes === undefined ? {} : { shmBytes }) };
}
