import { renderTable } from './table.ts';

/** What a machine uses just now. */
export interface MachineStats {
  readonly machine: string;
  /** Of one processor of the host. */
  readonly cpuPercent: number;
  /** Resident memory of the machine process, the guest's touched memory included. */
  readonly hostMemoryBytes: number;
  /** What the guest says; absent without an agent, or while the guest does not answer. */
  readonly guest?: GuestLoad;
}

/** What a guest says of itself. */
export interface GuestLoad {
  readonly memoryUsedBytes: number;
  readonly memoryTotalBytes: number;
  /** Average of the last minute. */
  readonly load: number;
  /** File system of `/`; absent without `df`. */
  readonly disk?: { readonly usedBytes: number; readonly totalBytes: number };
  /** Received and sent since its start, the loopback left out. */
  readonly network: { readonly receivedBytes: number; readonly sentBytes: number };
}

/** Answers each line on its input with what `/proc` and `df` say, between marks. Builtins and `df` only. */
export const LOAD_SCRIPT = `
show() { while read -r line; do echo "$line"; done <"$1"; }
while read -r round; do
  for file in meminfo loadavg net/dev; do echo "=$file"; show /proc/$file; done
  echo =df
  df -kP / 2>/dev/null
  echo "=end $round"
done
`;

/** Reads one answer of {@link LOAD_SCRIPT}; undefined where it lacks what every Linux has. */
export function parseLoad(text: string): GuestLoad | undefined {
  const parts = new Map<string, string>();
  for (const part of text.split(/^=/m)) {
    const end = part.indexOf('\n');
    if (end !== -1) parts.set(part.slice(0, end), part.slice(end + 1));
  }
  const memory = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(parts.get('meminfo') ?? '')?.[1]) * 1024;
  const total = memory('MemTotal');
  const available = memory('MemAvailable');
  const load = Number.parseFloat(parts.get('loadavg') ?? '');
  if (![total, available, load].every(Number.isFinite)) return undefined;
  const disk = parseDisk(parts.get('df') ?? '');
  return {
    memoryUsedBytes: total - available,
    memoryTotalBytes: total,
    load,
    ...(disk && { disk }),
    network: parseNetwork(parts.get('net/dev') ?? ''),
  };
}

/** POSIX format: device, KiB in total, used, available, share, directory. */
function parseDisk(text: string): GuestLoad['disk'] {
  const [, total, used] = /\s(\d+)\s+(\d+)\s+\d+\s+\d+%\s+\/\s*$/m.exec(text) ?? [];
  return total === undefined
    ? undefined
    : { totalBytes: Number(total) * 1024, usedBytes: Number(used) * 1024 };
}

/** Received bytes are the first number of an interface, sent ones the ninth. */
function parseNetwork(text: string): GuestLoad['network'] {
  let receivedBytes = 0;
  let sentBytes = 0;
  for (const [, name, numbers = ''] of text.matchAll(/^\s*([^\s:]+):\s*([\d ]+)$/gm)) {
    if (name === 'lo') continue;
    const words = numbers.trim().split(/ +/);
    receivedBytes += Number(words[0]);
    sentBytes += Number(words[8] ?? 0);
  }
  return { receivedBytes, sentBytes };
}

export function statsTable(stats: readonly MachineStats[], width: number | undefined): string {
  return renderTable(
    [
      { title: 'NAME', shrinks: true },
      { title: 'CPU' },
      { title: 'HOST MEMORY' },
      { title: 'GUEST MEMORY', shrinks: true },
      { title: 'LOAD' },
      { title: 'DISK', shrinks: true },
      { title: 'NETWORK IN / OUT', shrinks: true },
    ],
    stats.map(({ machine, cpuPercent, hostMemoryBytes, guest }) => [
      machine,
      `${cpuPercent.toFixed(1)}%`,
      bytes(hostMemoryBytes),
      guest ? pair(guest.memoryUsedBytes, guest.memoryTotalBytes) : '-',
      guest ? guest.load.toFixed(2) : '-',
      guest?.disk ? pair(guest.disk.usedBytes, guest.disk.totalBytes) : '-',
      guest ? pair(guest.network.receivedBytes, guest.network.sentBytes) : '-',
    ]),
    width,
  );
}

/** One JSON object; one machine a line. */
export function statsJson({ machine, cpuPercent, hostMemoryBytes, guest }: MachineStats): string {
  return JSON.stringify({
    name: machine,
    cpuPercent: Math.round(cpuPercent * 10) / 10,
    hostMemoryBytes,
    guest: guest ? { ...guest, disk: guest.disk ?? null } : null,
  });
}

function pair(one: number, other: number): string {
  return `${bytes(one)} / ${bytes(other)}`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Two digits or more: `1.5 GiB`, `15 GiB`, `150 MiB`. */
function bytes(count: number): string {
  let power = 0;
  let value = count;
  // What would be shown as 1024 is one of the next unit.
  while (value >= 1023.5 && power < UNITS.length - 1) {
    value /= 1024;
    power += 1;
  }
  return `${power > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[power]}`;
}
