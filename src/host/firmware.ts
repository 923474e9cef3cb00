/** What the search for firmware needs of the outside world. */
export interface FirmwareHost {
  /** As Node says it. */
  readonly os: string;
  /** Absolute; the directories of PATH that may hold krunkit. */
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

/** Where the EFI firmware that comes with krunkit may be: first where krunkit itself looks, beside its program. */
export function firmwarePlaces(host: FirmwareHost): readonly string[] {
  const beside = host.programDirectories.flatMap((directory) => {
    const program = host.realPath(`${directory}/krunkit`);
    const binaries = program?.replace(/\/[^/]*$/, '');
    return binaries === undefined ? [] : [`${binaries}/../${FIRMWARE}`, `${binaries}/${FIRMWARE}`];
  });
  return [...beside, ...(PREFIXES[host.os] ?? []).map((prefix) => `${prefix}/${FIRMWARE}`)];
}
