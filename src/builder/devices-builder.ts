import type { Fd } from '../vm/calls.ts';
import { VIRGL_FLAGS } from '../vm/constants.ts';
import type { VmDevices, VmDisplay } from '../vm/vm.ts';
import { descriptor, oneOf, wholeNumber } from './checks.ts';
import { Part } from './part.ts';

export type VirglFlag = keyof typeof VIRGL_FLAGS;

/** How the guest's GPU is served. */
export interface GpuOptions {
  /** Names of virglrenderer's flags: `venus` and `no_virgl` for Vulkan alone. None when not said. */
  readonly flags?: readonly VirglFlag[];
  /** Window for buffers shared with the host; 8 GiB of address space when not said. */
  readonly shmBytes?: number;
}

export type DevicesState = Pick<VmDevices, 'gpu' | 'displays' | 'inputs' | 'sound'>;

export const DEVICES: DevicesState = {};

const MOST_U16 = 0xffff;
const MOST_U32 = 0xffff_ffff;

/** Devices for people: each needs a libkrun that was built with it. */
export class DevicesBuilder extends Part<DevicesState> {
  gpu({ flags = [], shmBytes }: GpuOptions = {}): this {
    const virglFlags = flags.reduce((sum, flag) => sum | VIRGL_FLAGS[flag], 0);
    return this.with(
      { gpu: { virglFlags, ...(shmBytes === undefined ? {} : { shmBytes }) } },
      ...flags.map((flag) => oneOf('devices.gpu', flag, Object.keys(VIRGL_FLAGS))),
      shmBytes === undefined
        ? undefined
        : wholeNumber('devices.gpu shmBytes', shmBytes, 1, Number.MAX_SAFE_INTEGER),
    );
  }

  /** A screen; libkrun makes its EDID from the values, or shows the given one, which then says all of it. */
  display(display: VmDisplay): this {
    const { width, height, refreshRateHz, dpi, physicalSizeMm } = display;
    const numbers = { width, height, refreshRateHz, dpi };
    const sizes = { width: physicalSizeMm?.width, height: physicalSizeMm?.height };
    return this.with(
      { displays: [...(this.state.displays ?? []), display] },
      ...limited('devices.display', numbers, MOST_U32),
      ...limited('devices.display physicalSizeMm', sizes, MOST_U16),
    );
  }

  /** An open event device of the host, which becomes a keyboard or pointer of the guest. */
  input(fd: Fd): this {
    return this.with({ inputs: [...(this.state.inputs ?? []), fd] }, descriptor('devices.input', fd, false));
  }

  sound(enabled = true): this {
    return this.with({ sound: enabled });
  }
}

function limited(
  where: string,
  values: Readonly<Record<string, number | undefined>>,
  most: number,
): readonly ReturnType<typeof wholeNumber>[] {
  return Object.entries(values).map(([name, value]) =>
    value === undefined ? undefined : wholeNumber(`${where} ${name}`, value, 1, most),
  );
}
