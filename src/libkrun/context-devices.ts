import { VIRGL_FLAGS } from '../vm/constants.ts';
import { EDID_HINT, isEdid } from '../vm/devices.ts';
import { U16, U32, U64 } from './context-base.ts';
import { ProcessContext } from './context-process.ts';
import type { NativeStructure, OptionReader } from './options.ts';

/** How the GPU renders; the names are VIRGLRENDERER_* of libkrun.h in lower case. */
export type VirglFlag = keyof typeof VIRGL_FLAGS;

export interface GpuOptions {
  /** None when absent. */
  readonly virgl?: readonly VirglFlag[];
}

export interface SizedGpuOptions extends GpuOptions {
  /** Window for buffers that are shared with the host, in bytes of the guest's address space. */
  readonly shmBytes: number;
}

/** What {@link DeviceContext.addDisplay} returned. */
export interface DisplayOption {
  readonly display: number;
}

/**
 * Tables of C functions as libkrun_display.h and libkrun_input.h of the library describe them, made with koffi or native
 * code. libkrun copies the tables; the functions in them are called from its threads until the process ends.
 */
export interface InputBackendOptions {
  readonly config: NativeStructure;
  readonly events: NativeStructure;
}

/** Devices for people: GPU, displays, input, sound. A library that was built without them says so here. */
export abstract class DeviceContext extends ProcessContext {
  /** A GPU with a window of 8 GiB. libkrun >= 1.8, built with GPU. */
  setGpuOptions(options: GpuOptions): void {
    this.make('krun_set_gpu_options', options, (o) => [o.flags('virgl', VIRGL_FLAGS)]);
  }

  /** libkrun >= 1.9.5, built with GPU. */
  setGpuOptions2(options: SizedGpuOptions): void {
    this.make('krun_set_gpu_options2', options, (o) => [
      o.flags('virgl', VIRGL_FLAGS),
      o.integer('shmBytes', [1, U64]),
    ]);
  }

  /** A display in pixels; its number. ENOMEM for the 17th. libkrun >= 1.15, built with GPU. */
  addDisplay(options: { readonly width: number; readonly height: number }): number {
    return this.make('krun_add_display', options, (o) => [
      o.integer('width', [1, U32]),
      o.integer('height', [1, U32]),
    ]);
  }

  /** What the display says of itself, in blocks of 128 bytes; the three calls below are refused then. libkrun >= 1.15. */
  displaySetEdid(options: DisplayOption & { readonly edid: Uint8Array }): void {
    this.make('krun_display_set_edid', options, (o) => {
      const edid = o.bytes('edid');
      if (!isEdid(edid)) o.fail('edid', 'is not an EDID', EDID_HINT);
      return [display(o), edid, edid.length];
    });
  }

  /** Dots per inch. EINVAL for an unknown display and after an EDID. libkrun >= 1.15, built with GPU. */
  displaySetDpi(options: DisplayOption & { readonly dpi: number }): void {
    this.make('krun_display_set_dpi', options, (o) => [display(o), o.integer('dpi', [1, U32])]);
  }

  /** EINVAL for an unknown display, EALREADY after an EDID. libkrun >= 1.15, built with GPU. */
  displaySetPhysicalSize(
    options: DisplayOption & { readonly widthMm: number; readonly heightMm: number },
  ): void {
    this.make('krun_display_set_physical_size', options, (o) => [
      display(o),
      o.integer('widthMm', [1, U16]),
      o.integer('heightMm', [1, U16]),
    ]);
  }

  /** EINVAL for an unknown display, EALREADY after an EDID. libkrun >= 1.15, built with GPU. */
  displaySetRefreshRate(options: DisplayOption & { readonly refreshRateHz: number }): void {
    this.make('krun_display_set_refresh_rate', options, (o) => [
      display(o),
      o.integer('refreshRateHz', [1, U32]),
    ]);
  }

  /** Who shows what the GPU draws. EINVAL for a table that is too short. libkrun >= 1.15, built with GPU. */
  setDisplayBackend(options: { readonly backend: NativeStructure }): void {
    this.make('krun_set_display_backend', options, (o) => o.structure('backend'));
  }

  /** An input device of one's own. EINVAL for a table that is too short. libkrun >= 1.16, built with INPUT. */
  addInputDevice(options: InputBackendOptions): void {
    this.make('krun_add_input_device', options, (o) => [...o.structure('config'), ...o.structure('events')]);
  }

  /** An event device of the host, /dev/input/eventN; it is to stay open. libkrun >= 1.16, built with INPUT. */
  addInputDeviceFd(options: { readonly fd: number }): void {
    this.make('krun_add_input_device_fd', options, (o) => [o.descriptor('fd')]);
  }

  /** libkrun >= 1.9, built with SND. */
  setSndDevice(options: { readonly enabled: boolean }): void {
    this.make('krun_set_snd_device', options, (o) => [o.flag('enabled')]);
  }
}

function display(o: OptionReader): number {
  return o.integer('display', [0, U32]);
}
