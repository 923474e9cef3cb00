import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { commandLine } from '../base/shell.ts';
import { devicesOf, type KrunkitNet, type KrunkitOptions } from '../krunkit/options.ts';
import { parseKrunkit } from '../krunkit/parse.ts';
import { machineYaml, type NetworkWish } from './machine-yaml.ts';
import type { Conversion, Note } from './note.ts';

const LOG_LEVELS = ['off', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** krun.yaml for the arguments of krunkit; `arch` is the host's, as Node says it. */
export function convertKrunkit(
  argv: readonly string[],
  arch: string,
): Result<Conversion, readonly Diagnostic[]> {
  const parsed = parseKrunkit(argv);
  if (!parsed.ok) return parsed;
  if (parsed.value.kind !== 'machine') {
    const hint = 'write the options of a machine: krun convert krunkit --cpus 2 --memory 2G ...';
    return err([errorDiagnostic('usage', 'there is no machine to convert', { hint })]);
  }
  const { options } = parsed.value;
  const { logLevel } = options;
  return ok(
    machineYaml({
      command: commandLine(['krunkit', ...argv]),
      logLevel: LOG_LEVELS[logLevel ?? 3] ?? 'trace',
      cpus: options.cpus,
      memoryMiB: options.memoryMiB,
      nested: options.nested,
      boot: { firmware: options.firmwarePath ?? 'efi' },
      disks: devicesOf(options, 'disk').map(({ path, format }) => ({ source: pathOf(path), format })),
      networks: devicesOf(options, 'net').flatMap(networkOf),
      shares: devicesOf(options, 'share').map(({ directory, tag }) => ({ source: directory, tag })),
      vsock: devicesOf(options, 'vsock').map(({ port, path, listener }) => ({
        port,
        socket: path,
        direction: listener === 'host' ? 'connect' : 'listen',
      })),
      ...consoleOf(options),
      oemStrings: options.oemStrings,
      notes: notesOf(options, arch),
    }),
  );
}

/** A bare name is a disk of krun.yaml; krunkit's is always a file. */
export function pathOf(file: string): string {
  return file.includes('/') ? file : `./${file}`;
}

function networkOf(net: KrunkitNet): readonly NetworkWish[] {
  if ('fd' in net.peer) return [];
  const network = {
    driver: net.socket,
    socket: net.peer.path,
    ...(net.offloading ? { offloading: true } : {}),
    ...(net.vfkitMagic ? { vfkit_magic: true } : {}),
  };
  return [{ network, mac: net.mac }];
}

function consoleOf(options: KrunkitOptions): { readonly consoleLog?: string } {
  const serial = devicesOf(options, 'serial')[0];
  return serial === undefined ? {} : { consoleLog: serial.logFile };
}

function notesOf(options: KrunkitOptions, arch: string): readonly Note[] {
  const { pidFile, logFile, restfulUri, timesyncPort, bootloader, gui, logLevel } = options;
  const has = (kind: Parameters<typeof devicesOf>[1]): boolean => devicesOf(options, kind).length > 0;
  const notes: (Note | false)[] = [
    arch !== 'arm64' && { about: 'the boot loader', text: NO_EFI },
    logLevel === undefined && { about: 'log_level', text: "krunkit's default is info, krun's is warn" },
    ...devicesOf(options, 'net').flatMap(({ peer }) =>
      'fd' in peer ? [{ about: `--device virtio-net with fd=${peer.fd}`, text: NO_DESCRIPTOR }] : [],
    ),
    !has('net') && { about: 'no virtio-net', text: NO_NETWORK },
    ...devicesOf(options, 'share').flatMap(({ hasOwnSemantics, semantics, tag }) =>
      hasOwnSemantics
        ? [{ about: `permissionSemantics=${semantics} of ${tag}`, text: 'krun.yaml has no word for it' }]
        : [],
    ),
    has('rng') && { about: '--device virtio-rng', text: 'every machine has one' },
    has('gpu') && { about: '--device virtio-gpu', text: 'krunkit takes and ignores it' },
    has('input') && { about: '--device virtio-input', text: 'krunkit takes and ignores it' },
    { about: 'the GPU', text: 'krunkit gives one to every machine: write `gpu: true` if the guest uses it' },
    timesyncPort !== undefined && { about: '--timesync', text: NO_TIMESYNC },
    pidFile !== undefined && { about: '--pidfile', text: 'krun keeps track of the process: krun inspect vm' },
    logFile !== undefined && {
      about: '--log-file',
      text: 'the log is kept with the machine: krun console vm',
    },
    restfulUri.kind !== 'none' && { about: '--restful-uri', text: CONTROL_SOCKET },
    bootloader?.variableStore !== undefined && {
      about: 'variable-store',
      text: 'krunkit takes and ignores it: the firmware keeps its variables in memory',
    },
    gui && { about: '--gui', text: 'krunkit takes and ignores it: there is no window' },
  ];
  return notes.filter((note) => note !== false);
}

/** Why what boots on a Mac does not boot here. */
export const NO_EFI: string =
  'libkrun has EFI firmware for arm64 only. On x86_64 write `root: { disk: { source: FILE }, device: /dev/vdaN }` ' +
  'and a `command` in place of `boot`: the bundled kernel boots the root partition N';

const NO_DESCRIPTOR =
  'a descriptor cannot be named in a file: let the backend listen at a socket, and write ' +
  '`driver: unixgram` or `unixstream` with its `socket`';

const NO_NETWORK =
  "without it krunkit's machine has libkrun's TSI, which only libkrun's own kernel knows. Leave out `networks` " +
  "for krun's own network";

const NO_TIMESYNC =
  "krun's agent corrects the clock where there is one; a guest that boots by itself has none, and its own NTP serves";

/** What krun has in place of a REST service that is named on the command line. */
export const CONTROL_SOCKET: string =
  'every machine has a control socket with GET and POST /vm/state; krun never listens on TCP for it';
