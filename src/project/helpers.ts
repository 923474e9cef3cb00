import type { HelperName } from './project.ts';

/** The system that a helper is looked for on. */
export interface HelperSystem {
  /** As Node names it: `linux`, `darwin`. */
  readonly platform: string;
  /** `ID` of /etc/os-release, and what it says the system is like. */
  readonly distribution?: string;
  readonly like?: readonly string[];
  /** `VERSION_ID` of /etc/os-release. */
  readonly release?: string;
}

/** What krun knows of a helper without looking. */
export interface HelperFacts {
  /** What it is for, after `krun needs it for `. */
  readonly purpose: string;
  /** Environment variable that names the program. */
  readonly variable: string;
  readonly platforms: readonly string[];
  /** The oldest version that krun works with; older ones lack what the reason says. */
  readonly oldest?: { readonly version: string; readonly reason: string };
}

export const HELPERS: Readonly<Record<HelperName, HelperFacts>> = {
  gvproxy: {
    purpose: 'networks of several machines',
    variable: 'KRUN_GVPROXY',
    platforms: ['linux', 'darwin'],
    oldest: { version: '0.8.0', reason: 'older ones always take port 2222 of the host' },
  },
  passt: { purpose: 'networks with `driver: passt`', variable: 'KRUN_PASST', platforms: ['linux'] },
  'vmnet-helper': {
    purpose: 'networks with `driver: vmnet`',
    variable: 'KRUN_VMNET_HELPER',
    platforms: ['darwin'],
    oldest: { version: '0.7.0', reason: 'older ones do not tell their version' },
  },
};

/** The first gvproxy that takes another subnet than its own, from a configuration file. */
export const GVPROXY_WITH_SUBNETS = '0.8.8';

/** The version that `go install` is to build. */
const GVPROXY_RECOMMENDED = '0.8.9';

/** Full paths where packages put a helper that is not in PATH, in the order to look. */
export function usualHelperPlaces(name: HelperName, platform: string, home?: string): readonly string[] {
  const directories = [...(PLACES[name][platform] ?? [])];
  // Where `go install` puts its programs.
  if (name === 'gvproxy' && home !== undefined) directories.push(`${home}/go/bin`);
  return directories.map((directory) => `${directory}/${name}`);
}

const PODMAN_MACOS = [
  '/opt/homebrew/opt/podman/libexec/podman',
  '/usr/local/opt/podman/libexec/podman',
  '/opt/podman/bin',
  '/opt/homebrew/bin',
  '/opt/local/bin',
];
const PODMAN = [
  '/usr/local/bin',
  '/usr/bin',
  '/usr/local/libexec/podman',
  '/usr/local/lib/podman',
  '/usr/libexec/podman',
  '/usr/lib/podman',
];

const PLACES: Readonly<Record<HelperName, Readonly<Record<string, readonly string[]>>>> = {
  gvproxy: { linux: PODMAN, darwin: [...PODMAN_MACOS, ...PODMAN] },
  passt: { linux: ['/usr/bin', '/usr/local/bin', '/usr/sbin'] },
  'vmnet-helper': {
    darwin: [
      '/opt/homebrew/opt/vmnet-helper/libexec',
      '/usr/local/opt/vmnet-helper/libexec',
      '/opt/vmnet-helper/bin',
    ],
  },
};

/** How to get a helper on this system: one sentence for a hint. */
export function helperInstallHint(name: HelperName, system: HelperSystem): string {
  const facts = HELPERS[name];
  if (!facts.platforms.includes(system.platform)) return `${name} runs on ${SYSTEM_NAMES[name]} only`;
  const command = installCommand(name, system);
  const otherwise = `or name the program in ${facts.variable}`;
  return `install it: ${command}; ${otherwise}`;
}

const SYSTEM_NAMES: Readonly<Record<HelperName, string>> = {
  gvproxy: 'Linux and macOS',
  passt: 'Linux',
  'vmnet-helper': 'macOS',
};

const GO_INSTALL = `\`go install github.com/containers/gvisor-tap-vsock/cmd/gvproxy@v${GVPROXY_RECOMMENDED}\``;

const BREW_VMNET_HELPER =
  '`brew tap nirs/vmnet-helper && brew trust nirs/vmnet-helper && brew install vmnet-helper`';

function installCommand(name: HelperName, system: HelperSystem): string {
  if (name === 'vmnet-helper') return BREW_VMNET_HELPER;
  if (system.platform === 'darwin') return '`brew install podman` (which brings gvproxy)';
  switch (family(system)) {
    case 'debian':
      return name === 'gvproxy' ? gvproxyOnDebian(system) : '`sudo apt install passt`';
    case 'fedora':
      return name === 'gvproxy' ? '`sudo dnf install gvisor-tap-vsock`' : '`sudo dnf install passt`';
    case 'arch':
      return name === 'gvproxy' ? '`sudo pacman -S gvisor-tap-vsock`' : '`sudo pacman -S passt`';
    case 'suse':
      return name === 'gvproxy' ? '`sudo zypper install gvisor-tap-vsock`' : '`sudo zypper install passt`';
    case undefined:
      return name === 'gvproxy' ? GO_INSTALL : "passt from your system's packages";
  }
}

/** Debian 12 has no package; Ubuntu 24.04's is older than what krun works with. */
function gvproxyOnDebian({ distribution, release }: HelperSystem): string {
  if (distribution === 'debian' && isAtMost(release, 12)) {
    return `${GO_INSTALL} (Debian ${release} has no package)`;
  }
  if (distribution === 'ubuntu' && isAtMost(release, 24)) {
    return `${GO_INSTALL} (the package of Ubuntu ${release} is too old)`;
  }
  return '`sudo apt install gvproxy`';
}

function isAtMost(release: string | undefined, major: number): boolean {
  return release !== undefined && Number.parseInt(release, 10) <= major;
}

type Family = 'debian' | 'fedora' | 'arch' | 'suse';

function family({ distribution, like = [] }: HelperSystem): Family | undefined {
  const names = [...(distribution === undefined ? [] : [distribution]), ...like];
  for (const name of names) {
    if (name === 'debian' || name === 'ubuntu') return 'debian';
    if (name === 'fedora' || name === 'rhel' || name === 'centos') return 'fedora';
    if (name === 'arch') return 'arch';
    if (name === 'suse' || name.startsWith('opensuse')) return 'suse';
  }
  return undefined;
}

/** Reads the fields of /etc/os-release that install hints depend on. */
export function systemOfOsRelease(platform: string, text: string): HelperSystem {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? [];
    if (key !== undefined) fields.set(key, (value ?? '').replace(/^(["'])(.*)\1$/, '$2'));
  }
  const distribution = fields.get('ID');
  const release = fields.get('VERSION_ID');
  return {
    platform,
    ...(distribution === undefined ? {} : { distribution }),
    ...(release === undefined ? {} : { release }),
    like: (fields.get('ID_LIKE') ?? '').split(' ').filter((word) => word !== ''),
  };
}

/** The version in what a helper prints for `--version`; undefined where it does not say one. */
export function parseHelperVersion(name: HelperName, output: string): string | undefined {
  if (name === 'passt') {
    // passt is numbered by the day: `passt 2025_05_03.587980c`, Debian's `passt 0.0~git20250503.587980c-2`.
    const [, year, month, day] = /\b(?:git)?(20\d\d)[_.-]?(\d\d)[_.-]?(\d\d)/.exec(output) ?? [];
    return year === undefined ? undefined : `${year}-${month}-${day}`;
  }
  const version = /\bv?(\d+\.\d+(?:\.\d+)?)/.exec(output)?.[1];
  // What Go's build information says of a build without version.
  return version === undefined || version === '0.0.0' ? undefined : version;
}

/** Whether a dotted version is older than another; a missing one is taken for new enough. */
export function isOlderVersion(version: string | undefined, oldest: string): boolean {
  if (version === undefined) return false;
  const [a, b] = [version, oldest].map((text) => text.split(/[.-]/).map(Number));
  for (let index = 0; index < Math.max(a?.length ?? 0, b?.length ?? 0); index += 1) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** Why a helper of that version does not do; undefined where it does. */
export function helperVersionProblem(name: HelperName, version: string | undefined): string | undefined {
  const { oldest } = HELPERS[name];
  if (oldest === undefined || !isOlderVersion(version, oldest.version)) return undefined;
  return `${name} ${version} is too old: krun needs ${oldest.version} or newer, ${oldest.reason}`;
}
