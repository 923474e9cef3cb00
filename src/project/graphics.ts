import type { DisplayConfig, GpuConfig, InputConfig } from '../config/schema.gen.ts';
import { MOST_DISPLAYS } from '../vm/constants.ts';
import { type HostScope, resolveHostPath } from './host-path.ts';
import type { Place } from './place.ts';
import type { Display, Gpu } from './project.ts';
import { boolOr, countOr, sizeOr } from './scalars.ts';

/** The EDID's field for millimetres, and libkrun's parameter, have 16 bits. */
const MOST_MM = 65_535;

/** The machine's GPU; undefined for none. */
export function resolveGpu(config: GpuConfig, at: Place): Gpu | undefined {
  if (typeof config !== 'object') return boolOr(config, false) ? PLAIN_GPU : undefined;
  const shmBytes = config.shm === undefined ? undefined : sizeOr(config.shm, 0, at.child('shm'));
  if (shmBytes === 0) {
    at.child('shm').error('invalid-value', 'a window of 0 bytes holds nothing', {
      hint: "remove `shm`: libkrun's own window is 8 GiB of address space",
    });
  }
  return {
    virgl: boolOr(config.virgl, PLAIN_GPU.virgl),
    venus: boolOr(config.venus, PLAIN_GPU.venus),
    flags: [...new Set(config.flags)].toSorted(),
    ...(shmBytes === undefined ? {} : { shmBytes }),
  };
}

/** The one that krunkit gives its machines. */
const PLAIN_GPU: Gpu = { virgl: false, venus: true, flags: [] };

/** The machine's screens in their order. */
export function resolveDisplays(
  configs: readonly DisplayConfig[],
  hasGpu: boolean,
  scope: HostScope,
  at: Place,
): readonly Display[] {
  if (configs.length > 0 && !hasGpu) {
    at.keyError('conflict', 'a screen needs a GPU that fills it', { hint: 'write `gpu: true`' });
  }
  if (configs.length > MOST_DISPLAYS) {
    at.keyError('limit', `the machine has ${configs.length} screens; libkrun takes ${MOST_DISPLAYS}`, {
      hint: `remove ${configs.length - MOST_DISPLAYS}`,
    });
  }
  return configs.map((config, index) => resolveDisplay(config, scope, at.child(index)));
}

/** What an EDID says in their place. */
const SAID_BY_EDID = ['dpi', 'refresh_rate', 'width_mm', 'height_mm'] as const;

function resolveDisplay(config: DisplayConfig, scope: HostScope, at: Place): Display {
  const size = { width: countOr(config.width, 0), height: countOr(config.height, 0) };
  if (config.edid !== undefined) {
    for (const key of SAID_BY_EDID.filter((name) => config[name] !== undefined)) {
      at.child(key).keyError('conflict', `the EDID says what \`${key}\` would say`, {
        related: [{ message: 'the EDID is given here', span: at.child('edid').keySpan }],
        hint: 'remove one of them',
      });
    }
    return { ...size, edid: resolveHostPath(config.edid, scope, at.child('edid')) };
  }
  return {
    ...size,
    ...(config.refresh_rate === undefined ? {} : { refreshRateHz: countOr(config.refresh_rate, 0) }),
    ...(config.dpi === undefined ? {} : { dpi: countOr(config.dpi, 0) }),
    ...resolvePhysicalSize(config, at),
  };
}

function resolvePhysicalSize(config: DisplayConfig, at: Place): Pick<Display, 'physicalSizeMm'> {
  const { width_mm: width, height_mm: height } = config;
  if (width === undefined && height === undefined) return {};
  for (const key of ['width_mm', 'height_mm'] as const) {
    const other = key === 'width_mm' ? 'height_mm' : 'width_mm';
    if (config[key] === undefined) {
      at.child(other).keyError('missing-key', `\`${other}\` says nothing without \`${key}\``, {
        hint: `write \`${key}\` too`,
      });
    } else if (countOr(config[key], 0) > MOST_MM) {
      at.child(key).error('limit', `a screen has at most ${MOST_MM} mm`, {
        hint: 'write the size in millimetres',
      });
    }
  }
  return { physicalSizeMm: { width: countOr(width, 0), height: countOr(height, 0) } };
}

/** Event devices of the host, absolute. */
export function resolveInputs(
  configs: readonly InputConfig[],
  scope: HostScope,
  at: Place,
): readonly string[] {
  const places = new Map<string, Place>();
  return configs.flatMap((config, index) => {
    const place = at.child(index);
    const device = typeof config === 'string' ? config : config.device;
    if (typeof config === 'string' && !config.includes('/')) {
      refuseKind(config, place);
      return [];
    }
    const path = resolveHostPath(device, scope, typeof config === 'string' ? place : place.child('device'));
    const first = places.get(path);
    if (first) {
      place.error('conflict', `the machine has ${path} twice`, {
        related: [{ message: 'the first time is here', span: first.valueSpan }],
        hint: 'remove one of them',
      });
    }
    places.set(path, place);
    return path;
  });
}

/** Made-up devices need a backend, and libkrun's C API takes one only as C functions that its own threads call. */
function refuseKind(kind: string, at: Place): void {
  if (kind !== 'keyboard' && kind !== 'pointer') {
    at.error('invalid-value', `\`${kind}\` is not the path of an event device`, {
      hint: 'write a path such as /dev/input/event3',
    });
    return;
  }
  at.error('capability', `krun has no ${kind} of its own to give: libkrun takes it as callbacks in C`, {
    hint: 'give the guest a device of the host: `device: /dev/input/event3`; `libinput list-devices` names them',
  });
}
