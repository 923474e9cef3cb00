import { execFile } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { createMachines } from '../test/e2e/support/machines.ts';
import { freePorts } from '../test/e2e/support/networks.ts';
import { ensureTap, tapProblem } from '../test/e2e/support/tap.ts';
import { gvproxyPath, programPath } from '../test/rig/support/helpers.ts';
import type { Rig } from '../test/rig/support/rig.ts';
import { until } from '../test/rig/support/until.ts';

const command = promisify(execFile);
const ROUNDS = 3;
const SECONDS = 3;
const GUEST_PORT = 5201;
const TAP_ADDRESS = '192.168.100.10';

/** What iperf3 measured between the host and a guest on one kind of network; medians in Mbit/s. */
export interface NetworkBenchmark {
  readonly driver: string;
  readonly offloading: boolean;
  /** Absent where iperf3 got no result. */
  readonly toGuest?: number;
  readonly toHost?: number;
}

interface Variant {
  readonly driver: 'tap' | 'passt' | 'gvproxy' | 'tsi';
  readonly offloading: boolean;
}

const VARIANTS: readonly Variant[] = [
  { driver: 'tap', offloading: false },
  { driver: 'tap', offloading: true },
  { driver: 'passt', offloading: false },
  { driver: 'passt', offloading: true },
  { driver: 'gvproxy', offloading: false },
  { driver: 'gvproxy', offloading: true },
  { driver: 'tsi', offloading: false },
];

/** Measures each driver with and without offloading; where KVM can boot a guest, and with what is installed. */
export async function run(): Promise<readonly NetworkBenchmark[]> {
  const rows: NetworkBenchmark[] = [];
  for (const variant of VARIANTS) {
    const problem = obstacle(variant);
    if (problem !== undefined) {
      console.error(`${variant.driver} is not measured: ${problem}`);
      continue;
    }
    const row = await measure(variant);
    console.error(JSON.stringify(row));
    rows.push(row);
  }
  return rows;
}

function obstacle({ driver }: Variant): string | undefined {
  if (!programPath('iperf3')) return 'iperf3 is not installed';
  if (driver === 'tap') return tapProblem();
  if (driver === 'passt' && !programPath('passt')) return 'passt is not installed';
  if (driver === 'gvproxy' && !gvproxyPath('0.8.9')) return 'gvproxy is not there (the rig tests fetch it)';
  return undefined;
}

async function measure({ driver, offloading }: Variant): Promise<NetworkBenchmark> {
  if (driver === 'tap') await ensureTap();
  const [port = 0] = await freePorts(1);
  const context = { onTestFailed: () => undefined };
  await using project = await createMachines(context, {
    files: { 'krun.yaml': JSON.stringify(configuration({ driver, offloading }, port)) },
    env: { KRUN_GVPROXY: gvproxyPath('0.8.9') ?? '' },
  });
  await makeRoot(project);
  await project.ok(['up', '-d']);
  // Not through the forwarder of a published port, which is another measurement.
  const server = driver === 'tap' ? [TAP_ADDRESS, GUEST_PORT] : ['127.0.0.1', port];
  const toGuest: (number | undefined)[] = [];
  const toHost: (number | undefined)[] = [];
  await until(async () => (await iperf(server, 1, [])) !== undefined, { timeoutMs: 60_000, everyMs: 500 });
  for (let round = 0; round < ROUNDS; round++) {
    toGuest.push(await iperf(server, SECONDS, []));
    toHost.push(await iperf(server, SECONDS, ['-R']));
  }
  const [arrived, left] = [median(toGuest), median(toHost)];
  return {
    driver,
    offloading,
    ...(arrived === undefined ? {} : { toGuest: arrived }),
    ...(left === undefined ? {} : { toHost: left }),
  };
}

function configuration({ driver, offloading }: Variant, port: number): unknown {
  const options = {
    tap: { interface: 'krun0', subnet: '192.168.100.0/24', offloading },
    passt: { offloading },
    gvproxy: { offloading },
    tsi: {},
  };
  const attachment = driver === 'tap' ? { ip: TAP_ADDRESS } : {};
  const one = {
    root: './rootfs',
    memory: '512MiB',
    boot_timeout: '150s',
    networks: { default: attachment },
    ...(driver === 'tap' ? {} : { ports: [`${port}:${GUEST_PORT}`] }),
    command: ['/usr/bin/iperf3', '-4', '-s', '-p', String(GUEST_PORT)],
  };
  return { machines: { one }, networks: { default: { driver, ...options[driver] } } };
}

/** A busybox root with the host's iperf3 and the libraries that it needs. */
async function makeRoot(project: Rig): Promise<void> {
  await command('./mkroot.sh', [], { cwd: project.directory });
  const program = programPath('iperf3') ?? '';
  const { stdout } = await command('ldd', [program]);
  const libraries = stdout.match(/\/\S+/g) ?? [];
  for (const file of [program, ...libraries]) {
    const target = path.join(project.directory, 'rootfs', file);
    await mkdir(path.dirname(target), { recursive: true });
    await copyFile(file, target);
  }
}

/** What is looked at of iperf3's report. */
interface IperfReport {
  readonly end: { readonly sum_received?: { readonly bits_per_second: number } };
}

/** Mbit/s that arrived; undefined where the server does not answer yet. */
async function iperf(
  [host, port]: readonly (string | number)[],
  seconds: number,
  more: readonly string[],
): Promise<number | undefined> {
  const args = [
    '-c',
    String(host),
    '-p',
    String(port),
    '-t',
    String(seconds),
    '-J',
    '--connect-timeout',
    '3000',
    ...more,
  ];
  try {
    const { stdout } = await command('iperf3', args, { timeout: 60_000, maxBuffer: 16 * 1024 * 1024 });
    const report = JSON.parse(stdout) as IperfReport;
    // Behind a forwarder that accepts before the guest does, it ends well and empty.
    const bits = report.end.sum_received?.bits_per_second;
    return bits === undefined ? undefined : bits / 1e6;
  } catch (error) {
    // It says so with exit code 1, and why in its report.
    const { code, stdout } = error as { readonly code?: unknown; readonly stdout?: string };
    if (code !== 1) throw error;
    if (seconds > 1) console.error(`iperf3 ${args.join(' ')}: ${/"error":\s*(.*)/.exec(stdout ?? '')?.[1]}`);
    return undefined;
  }
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).toSorted((a, b) => a - b);
  return known.length < values.length ? undefined : known[Math.floor(known.length / 2)];
}
