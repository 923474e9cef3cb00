import { DEVICE_NAMES } from '../krunkit/parse-device.ts';
import { OPTIONS, type OptionName } from '../krunkit/tokens.ts';

/** What may stand at the tab behind `krunkit`: words to offer, or `files`. */
export function krunkitChoices(words: readonly string[]): readonly string[] | 'files' {
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  const option = Object.entries(OPTIONS).find(
    ([name, { short }]) => before === `--${name}` || (short !== undefined && before === `-${short}`),
  );
  if (!option || option[1].value === undefined) {
    const names = Object.keys(OPTIONS).map((name) => `--${name}`);
    return names.filter((name) => name.startsWith(last));
  }
  const values = VALUES[option[0] as OptionName];
  return values === undefined ? 'files' : values.filter((value) => value.startsWith(last));
}

const VALUES: Partial<Readonly<Record<OptionName, readonly string[]>>> = {
  cpus: [],
  memory: [],
  'oem-string': [],
  'restful-uri': ['none://', 'tcp://localhost:', 'unix://'],
  'krun-log-level': ['0', '1', '2', '3', '4', '5'],
  timesync: ['vsockPort='],
  bootloader: ['efi'],
  device: DEVICE_NAMES,
};
