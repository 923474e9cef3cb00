import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { commandLine } from '../base/shell.ts';
import { wholeNumber } from '../krunkit/words.ts';
import { CONTROL_SOCKET, NO_EFI, pathOf } from './krunkit.ts';
import { machineYaml, type MachineWish, type NetworkWish } from './machine-yaml.ts';
import type { Conversion, Note } from './note.ts';
import { parseVfkit, type VfkitArguments, type VfkitWords } from './vfkit-arguments.ts';

/** The next one stands for any port. */
const MOST_VSOCK_PORT = 0xffff_fffe;

type Flat = Readonly<Record<string, string | number | boolean>>;

/** What the devices of a command line become. */
interface Gathered {
  readonly disks: Flat[];
  readonly networks: NetworkWish[];
  readonly shares: Flat[];
  readonly vsock: Flat[];
  consoleLog?: string;
  readonly notes: Note[];
  readonly mistakes: Diagnostic[];
}

/** krun.yaml for the arguments of vfkit; `arch` is the host's, as Node says it. */
export function convertVfkit(
  argv: readonly string[],
  arch: string,
): Result<Conversion, readonly Diagnostic[]> {
  const parsed = parseVfkit(argv);
  if (!parsed.ok) return parsed;
  const options = parsed.value;
  const all: Gathered = {
    disks: [],
    networks: [],
    shares: [],
    vsock: [],
    notes: [],
    mistakes: [],
  };
  const boot = bootOf(options.bootloader, all, arch);
  for (const device of options.devices) addDevice(device, all);
  if (all.mistakes.length > 0) return err(all.mistakes);
  const wish: MachineWish = {
    command: commandLine(['vfkit', ...argv]),
    cpus: options.cpus,
    memoryMiB: options.memoryMiB,
    nested: options.nested,
    boot,
    disks: all.disks,
    networks: all.networks,
    shares: all.shares,
    vsock: all.vsock,
    ...(all.consoleLog === undefined ? {} : { consoleLog: all.consoleLog }),
    oemStrings: [],
    notes: [...all.notes, ...generalNotes(options)],
  };
  return ok(machineYaml(wish));
}

function bootOf(bootloader: VfkitWords | undefined, all: Gathered, arch: string): Flat {
  const { kind = 'efi', values = new Map<string, string>() } = bootloader ?? {};
  if (kind === 'linux') {
    const kernel = values.get('kernel');
    if (kernel === undefined)
      all.mistakes.push(mistake(bootloader?.text ?? '', 'names no kernel', 'add kernel=FILE'));
    return {
      kernel: kernel ?? '',
      ...optional('initrd', values.get('initrd')),
      ...optional('cmdline', values.get('cmdline')),
    };
  }
  if (kind !== 'efi') {
    all.mistakes.push(
      mistake(bootloader?.text ?? kind, 'cannot be converted', 'libkrun boots Linux, and EFI disks'),
    );
  }
  if (arch !== 'arm64') all.notes.push({ about: '--bootloader efi', text: NO_EFI });
  if (values.has('variable-store')) {
    const text =
      'the firmware keeps its variables in memory: what the guest writes there is lost when it ends';
    all.notes.push({ about: `variable-store=${values.get('variable-store')}`, text });
  }
  return { firmware: 'efi' };
}

/** What becomes of one device: something of krun.yaml, or a note. */
function addDevice(device: VfkitWords, all: Gathered): void {
  const { kind, text } = device;
  const convert = Object.hasOwn(DEVICES, kind) ? DEVICES[kind] : undefined;
  if (typeof convert === 'string') all.notes.push({ about: `--device ${text}`, text: convert });
  else if (convert) convert(device, all);
  else all.mistakes.push(mistake(text, 'is no device of vfkit', `it has ${Object.keys(DEVICES).join(', ')}`));
}

const DEVICES: Readonly<Record<string, string | ((device: VfkitWords, all: Gathered) => void)>> = {
  'virtio-blk': (device, all) => addDisk(device, all),
  nvme: (device, all) =>
    addDisk(device, all, 'libkrun has no NVMe: it becomes a virtio disk, /dev/vdX in the guest'),
  'usb-mass-storage': (device, all) =>
    addDisk(device, all, 'libkrun has no USB: it becomes a virtio disk, /dev/vdX in the guest'),
  'virtio-net': addNet,
  'virtio-vsock': addVsock,
  'virtio-fs': addShare,
  'virtio-serial': addSerial,
  'virtio-gpu': addGpu,
  'virtio-rng': 'every machine has one',
  'virtio-balloon': 'every machine has one: free memory of the guest goes back to the host by itself',
  'virtio-input': 'libkrun passes event devices of a Linux host: `input: [{ device: /dev/input/eventN }]`',
  rosetta: "it belongs to Apple's Virtualization framework; run x86_64 programs with qemu-user in the guest",
  nbd: 'libkrun has no network block devices: attach it in the guest with nbd-client',
};

function addDisk(device: VfkitWords, all: Gathered, note?: string): void {
  const path = required(device, 'path', all);
  if (path === undefined) return;
  const type = device.values.get('type') ?? 'image';
  if (type === 'dev' && !path.startsWith('/dev/'))
    all.mistakes.push(mistake(device.text, 'is no device', 'write path=/dev/...'));
  if (device.values.has('deviceId')) {
    const text = 'libkrun gives disks serial numbers of its own: find it by its label or its place';
    all.notes.push({ about: `deviceId=${device.values.get('deviceId')}`, text });
  }
  if (note !== undefined) all.notes.push({ about: `--device ${device.text}`, text: note });
  const readonly = device.values.has('readonly');
  all.disks.push({ source: pathOf(path), format: 'raw', ...(readonly ? { readonly } : {}) });
}

function addNet(device: VfkitWords, all: Gathered): void {
  const { values, text } = device;
  const mac = optional('mac', values.get('mac'));
  const socket = values.get('unixSocketPath') ?? values.get('path');
  if (values.has('fd')) {
    const why =
      'a descriptor cannot be named in a file: let the backend listen at a socket, and write `driver: unixgram` with it';
    all.notes.push({ about: `--device ${text}`, text: why });
  } else if (socket === undefined) {
    // vfkit's NAT is the vmnet framework's; what krun takes by itself leads out as well, on every host.
    all.networks.push({ network: { driver: 'auto' }, ...mac });
    const why = 'krun takes what this host has for it (`driver: auto`); `driver: vmnet` is the same as nat';
    all.notes.push({ about: `--device ${text}`, text: why });
  } else {
    const network = { driver: 'unixgram', socket, vfkit_magic: values.get('vfkitMagic') !== 'off' };
    all.networks.push({ network, ...mac });
  }
}

function addVsock(device: VfkitWords, all: Gathered): void {
  const written = required(device, 'port', all);
  const socket = required(device, 'socketURL', all);
  if (written === undefined || socket === undefined) return;
  const port = wholeNumber(written, 1, MOST_VSOCK_PORT);
  if (port === undefined) {
    const problem = `has a \`port\` that is no number from 1 to ${MOST_VSOCK_PORT}`;
    all.mistakes.push(mistake(device.text, problem, 'write port=1024'));
    return;
  }
  const direction = device.values.has('connect') ? 'listen' : 'connect';
  all.vsock.push({ port, socket: socket.replace(/^unix:\/\//, ''), direction });
}

function addShare(device: VfkitWords, all: Gathered): void {
  const source = required(device, 'sharedDir', all);
  const tag = required(device, 'mountTag', all);
  if (source !== undefined && tag !== undefined) all.shares.push({ source, tag });
}

function addSerial(device: VfkitWords, all: Gathered): void {
  const log = device.values.get('logFilePath');
  const isSecond = log !== undefined && all.consoleLog !== undefined;
  if (log !== undefined && !isSecond) {
    all.consoleLog = log;
    return;
  }
  const text = isSecond
    ? 'libkrun has one console, whose log goes to the first file'
    : 'krun keeps what the console says: krun console vm; a terminal is `console: { ports: [{ name: NAME, tty: FILE }] }`';
  all.notes.push({ about: `--device ${device.text}`, text });
}

function addGpu(device: VfkitWords, all: Gathered): void {
  const size = (key: string, usual: number): number => Number(device.values.get(key) ?? usual);
  const text =
    'write `display: [{ width: W, height: H }]` for a libkrun with GPU and screens; nothing shows them in a window';
  all.notes.push({ about: `--device ${device.text}`, text });
  const width = size('width', 800);
  const height = size('height', 600);
  if (!Number.isInteger(width) || !Number.isInteger(height)) {
    all.mistakes.push(mistake(device.text, 'has no size in pixels', 'write width=1920,height=1080'));
  }
}

function generalNotes(options: VfkitArguments): readonly Note[] {
  const notes: (Note | false)[] = [
    options.timesync !== undefined && {
      about: `--timesync ${options.timesync}`,
      text: "krun's agent corrects the clock where there is one; other guests have NTP",
    },
    isService(options.restfulUri) && { about: `--restful-uri ${options.restfulUri}`, text: CONTROL_SOCKET },
    options.logLevel !== undefined && {
      about: `--log-level ${options.logLevel}`,
      text: 'it is about vfkit itself; libkrun has `libkrun: { log_level: ... }`',
    },
    options.pidFile !== undefined && {
      about: `--pidfile ${options.pidFile}`,
      text: 'krun keeps track of the process: krun inspect vm',
    },
    options.ignition !== undefined && {
      about: `--ignition ${options.ignition}`,
      text: 'serve it yourself: `vsock: [{ port: 1024, socket: FILE, direction: connect }]` with an HTTP server behind',
    },
    options.cloudInit !== undefined && {
      about: `--cloud-init ${options.cloudInit}`,
      text: 'make an ISO image labelled CIDATA of these files, and name it under `disks`',
    },
    options.gui && { about: '--gui', text: 'libkrun has no window' },
  ];
  return notes.filter((note) => note !== false);
}

function isService(uri: string | undefined): boolean {
  return uri !== undefined && !uri.startsWith('none:');
}

function required(device: VfkitWords, key: string, all: Gathered): string | undefined {
  const value = device.values.get(key);
  if (value) return value;
  all.mistakes.push(mistake(device.text, `has no \`${key}\``, `add ${key}=VALUE`));
  return undefined;
}

function mistake(text: string, problem: string, hint: string): Diagnostic {
  return errorDiagnostic('usage', `\`${text}\` ${problem}`, { hint });
}

function optional<K extends string>(key: K, value: string | undefined): { readonly [name in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [name in K]: string });
}
