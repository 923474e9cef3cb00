import path from 'node:path';
import { err, ok, type Result } from '../base/result.ts';

/** What the search for firmware needs of the outside world. */
export interface FirmwareHost {
  /** As Node says it. */
  readonly os: string;
  /** The directories of PATH, which may hold krunkit. */
  readonly programDirectories: readonly string[];
  /** The path itself without symbolic links; undefined where nothing is. */
  realPath(file: string): string | undefined;
}

const FIRMWARE = 'share/krunkit/KRUN_EFI.silent.fd';

/** Prefixes below which packages of krunkit put its firmware. */
const PREFIXES: Readonly<Record<string, readonly string[]>> = {
  darwin: ['/opt/homebrew', '/opt/homebrew/opt/krunkit', '/usr/local', '/opt/local'],
  linux: ['/usr/local', '/usr', '/home/linuxbrew/.linuxbrew', '/home/linuxbrew/.linuxbrew/opt/krunkit'],
};

/** Finds the EFI firmware that comes with krunkit; where there is none, tells the places that were looked at. */
export function findFirmware(host: FirmwareHost): Result<string, readonly string[]> {
  const places = firmwarePlaces(host);
  const found = places.find((place) => host.realPath(place) !== undefined);
  return found === undefined ? err(places) : ok(found);
}

/** First where krunkit itself looks, beside its program. */
function firmwarePlaces(host: FirmwareHost): readonly string[] {
  const beside = host.programDirectories.flatMap((directory) => {
    // A relative entry would make the result depend on where krun was started.
    const program = path.isAbsolute(directory) ? host.realPath(`${directory}/krunkit`) : undefined;
    const binaries = program?.replace(/\/[^/]*$/, '');
    return binaries === undefined ? [] : [`${binaries}/../${FIRMWARE}`, `${binaries}/${FIRMWARE}`];
  });
  return [...beside, ...(PREFIXES[host.os] ?? []).map((prefix) => `${prefix}/${FIRMWARE}`)];
}
