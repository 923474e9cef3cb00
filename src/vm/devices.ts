import { errorDiagnostic } from '../base/diagnostic.ts';
import { CTX, type CallList } from './call-list.ts';
import { MOST_DISPLAYS } from './constants.ts';
import { checkDeviceBudget } from './device-budget.ts';
import type { Vm, VmDisplay } from './vm.ts';

/** What is said about the machine itself, before anything is attached to it. */
export function addMachineOptions(list: CallList, { devices = {}, hostGid, hostUid }: Vm): void {
  if (devices.nestedVirt) list.add('krun_set_nested_virt', CTX, true);
  if (devices.splitIrqchip) list.add('krun_split_irqchip', CTX, true);
  if (devices.smbiosOemStrings) list.add('krun_set_smbios_oem_strings', CTX, devices.smbiosOemStrings);
  if (devices.teeConfigFile !== undefined) list.add('krun_set_tee_config_file', CTX, devices.teeConfigFile);
  if (hostGid !== undefined) list.add('krun_setgid', CTX, hostGid);
  if (hostUid !== undefined) list.add('krun_setuid', CTX, hostUid);
}

/** Devices for people: GPU, screens, input, sound. */
export function addDevices(list: CallList, vm: Vm): void {
  const { gpu, displays = [], inputs = [], sound } = vm.devices ?? {};
  if (gpu || displays.length > 0) list.need('GPU', 'a GPU');
  if (inputs.length > 0) list.need('INPUT', 'input devices');
  if (sound) list.need('SND', 'sound');
  if (displays.length > MOST_DISPLAYS) {
    const message = `the machine has ${displays.length} displays; libkrun takes ${MOST_DISPLAYS}`;
    list.reject(errorDiagnostic('limit', message, { hint: `remove ${displays.length - MOST_DISPLAYS}` }));
  }
  if (gpu?.shmBytes !== undefined) list.add('krun_set_gpu_options2', CTX, gpu.virglFlags, gpu.shmBytes);
  else if (gpu) list.add('krun_set_gpu_options', CTX, gpu.virglFlags);
  displays.forEach((display, index) => addDisplay(list, display, index));
  for (const input of inputs) list.add('krun_add_input_device_fd', CTX, input);
  if (sound) list.add('krun_set_snd_device', CTX, true);
  list.reject(...checkDeviceBudget(vm, list.capabilities.arch));
}

const EDID_BLOCK_BYTES = 128;
const MOST_EDID_BYTES = 256 * EDID_BLOCK_BYTES;
const EDID_BEGINNING = [0, 255, 255, 255, 255, 255, 255, 0];
export const EDID_HINT =
  'an EDID has 1 to 256 blocks of 128 bytes and begins with 00 FF FF FF FF FF FF 00, as /sys/class/drm/*/edid';

/** libkrun passes on to the guest whatever it is given. */
export function isEdid(bytes: Uint8Array): boolean {
  const isWhole = bytes.length <= MOST_EDID_BYTES && bytes.length % EDID_BLOCK_BYTES === 0;
  return isWhole && EDID_BEGINNING.every((byte, index) => bytes[index] === byte);
}

function addDisplay(list: CallList, display: VmDisplay, index: number): void {
  const { width, height, refreshRateHz, dpi, physicalSizeMm, edid } = display;
  const id = list.addResult(`display${index}`, 'krun_add_display', CTX, width, height);
  // libkrun refuses the rest after an EDID, which says all of it.
  if (edid) {
    if (!isEdid(edid)) {
      list.reject(
        errorDiagnostic('invalid-value', `display ${index + 1}: the EDID is not one`, { hint: EDID_HINT }),
      );
    }
    list.add('krun_display_set_edid', CTX, id, edid, edid.length);
    return;
  }
  if (refreshRateHz !== undefined) list.add('krun_display_set_refresh_rate', CTX, id, refreshRateHz);
  if (dpi !== undefined) list.add('krun_display_set_dpi', CTX, id, dpi);
  if (physicalSizeMm)
    list.add('krun_display_set_physical_size', CTX, id, physicalSizeMm.width, physicalSizeMm.height);
}
