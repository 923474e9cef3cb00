import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { errnoOf, systemHint } from '../host/errno.ts';
import { withHypervisorAnswer } from '../host/hypervisor.ts';
import { nodeLibraryFiles } from '../host/library-files.ts';
import { makePipe } from '../host/libc.ts';
import { krunErrorText, type KrunFailure } from '../libkrun/errno.ts';
import { execute, type Descriptors } from '../libkrun/execute.ts';
import { functionsOf, type Libkrun } from '../libkrun/ffi.ts';
import { explainLog } from '../machine/log-reasons.ts';
import { PowerButton } from '../machine/power-button.ts';
import type { Call } from '../vm/calls.ts';
import { compile } from '../vm/compile.ts';
import { ownSocketSuffix } from '../vm/own-socket.ts';
import type { Vm } from '../vm/vm.ts';
import { chooseBoot } from './boot.ts';
import { checkFiles, checkHost, checkVsockSockets } from './checks.ts';
import { watchForHalt } from './halt-watch.ts';
import { inspection } from './inspect.ts';
import { canNest, openLibrary } from './library.ts';
import { openLogFile, type LogFile } from './log-file.ts';
import { connectInterfaces } from './net-sockets.ts';
import { notesOn } from './notes.ts';
import { canHoldDisk, openImage } from './open-image.ts';
import { devicesOf, type KrunkitOptions } from './options.ts';
import { makePrivateDirectory } from './private-directory.ts';
import { createProcessEnd, type ProcessEnd } from './process-end.ts';
import { serveRest } from './rest.ts';
import { createStopper } from './stop.ts';
import { outliveReaders, takeTerminal } from './terminal.ts';
import { keepTime } from './timesync.ts';
import { krunkitVm, type KrunkitHost } from './vm.ts';

/** What the machine's process needs of the one that runs krun. */
export interface RunHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  /** Writes one line for the person. */
  tell(line: string): void;
  /** Takes signals over for good. */
  onSignals(act: (signal: NodeJS.Signals) => void): void;
}

/** A machine that could be built: its calls, and what else is known of it. */
export interface PlannedMachine {
  readonly vm: Vm;
  readonly calls: readonly Call[];
  readonly host: KrunkitHost & { readonly arch: string };
  readonly library: Libkrun;
}

/** Chooses what boots and finds the library; nothing is made, locked or connected. */
export function planMachine(
  options: KrunkitOptions,
  { env }: Pick<RunHost, 'env'>,
  directory: string,
): Result<PlannedMachine, readonly Diagnostic[]> {
  const missing = devicesOf(options, 'disk').flatMap((disk) => unreadable(disk.path));
  if (missing.length > 0) return err(missing);
  const boot = chooseBoot(options, {
    os: process.platform,
    arch: process.arch,
    programDirectories: (env['PATH'] ?? '').split(path.delimiter).filter((entry) => path.isAbsolute(entry)),
    realPath: (file) => nodeLibraryFiles().realPath(file),
    openImage,
  });
  if (!boot.ok) return err([boot.error]);
  const library = openLibrary(env);
  if (!library.ok) return library;
  const host = {
    os: process.platform,
    arch: process.arch,
    boot: boot.value,
    memoryBytes: os.totalmem(),
    canNest: options.nested && canNest(library.value),
    timesyncSocket: path.join(directory, 'time'),
  };
  const vm = krunkitVm(options, host);
  const { arch, platform } = process;
  const calls = compile(vm, { functions: functionsOf(library.value), arch, os: platform });
  return calls.ok ? ok({ vm, calls: calls.value, host, library: library.value }) : calls;
}

function unreadable(file: string): readonly Diagnostic[] {
  try {
    if (!canHoldDisk(file)) {
      const message = `disk image ${file} is neither a file nor a block device`;
      return [errorDiagnostic('path', message, { hint: 'correct `path` of the virtio-blk' })];
    }
    closeSync(openSync(file, 'r'));
    return [];
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    const message = `disk image ${file} cannot be opened: ${code}`;
    return [errorDiagnostic('path', message, { hint: 'correct `path` of the virtio-blk' })];
  }
}

/** Becomes the machine. Returns only what kept it from starting. */
export async function runMachine(options: KrunkitOptions, host: RunHost): Promise<readonly Diagnostic[]> {
  const end = createProcessEnd();
  try {
    return await prepareAndStart(options, host, end);
  } catch (error) {
    return [systemFailure(error)];
  } finally {
    end.undoAll();
  }
}

/** A file that the system does not let krun write; anything else is a bug. */
function systemFailure(error: unknown): Diagnostic {
  const code = errnoOf(error);
  if (code === undefined || !(error instanceof Error)) throw error;
  const hint = systemHint(code);
  return errorDiagnostic('io', error.message, hint === undefined ? {} : { hint });
}

interface Place {
  readonly directory: string;
  readonly end: ProcessEnd;
}

async function prepareAndStart(
  options: KrunkitOptions,
  host: RunHost,
  end: ProcessEnd,
): Promise<readonly Diagnostic[]> {
  outliveReaders();
  host.onSignals((signal) => end.die(signal));
  const directory = await makePrivateDirectory(host.env, host.uid);
  if (!directory.ok) return [directory.error];
  end.undo(() => rmSync(directory.value, { recursive: true, force: true }));
  const place = { directory: directory.value, end };
  const planned = planMachine(options, host, place.directory);
  if (!planned.ok) return planned.error;
  const problems = checkMachine(options, planned.value);
  if (problems.length > 0) return problems;
  const interfaces = connectInterfaces(devicesOf(options, 'net'), planned.value.library);
  if (!interfaces.ok) return interfaces.error;
  for (const note of notesOn(options, planned.value.host, functionsOf(planned.value.library)))
    host.tell(`krun: ${note}`);
  return start(options, { host, place, machine: planned.value, interfaces: interfaces.value });
}

function checkMachine(options: KrunkitOptions, { vm, library }: PlannedMachine): readonly Diagnostic[] {
  const hostProblem = checkHost(vm, library);
  if (hostProblem) return [hostProblem];
  const sockets = checkVsockSockets(options);
  return sockets.length > 0 ? sockets : checkFiles(options, vm);
}

interface Ready {
  readonly host: RunHost;
  readonly place: Place;
  readonly machine: PlannedMachine;
  readonly interfaces: Descriptors;
}

async function start(options: KrunkitOptions, ready: Ready): Promise<readonly Diagnostic[]> {
  const { host, place, machine } = ready;
  const { directory, end } = place;
  // libkrun up to 1.18 leaves an empty directory there for a root on a disk; later ones, sockets.
  process.env['TMPDIR'] = directory;
  const pipe = makePipe();
  const log = options.logFile === undefined ? undefined : openLogFile(options.logFile);
  const consoleFile = devicesOf(options, 'serial')[0]?.logFile;
  // Where it cannot be written, libkrun says nothing but EINVAL.
  if (consoleFile !== undefined) closeSync(openSync(consoleFile, 'a'));
  // krun's listener in the guest presses Ctrl-Alt-Del for its init.
  let way: (() => void) | undefined =
    machine.host.boot.kind === 'root-disk' ? () => void writeSync(pipe.write, 'stop\n') : undefined;
  const button = new PowerButton();
  const stopper = createStopper(() => way, end);
  if (options.restfulUri.kind !== 'none') {
    const inspected = inspection(options, machine.host.boot);
    const rest = await serveRest(options.restfulUri, { ...stopper, inspect: () => inspected });
    if (!rest.ok) return [rest.error];
    const { server, uri } = rest.value;
    end.undo(() => server.close());
    host.tell(`krun: REST service at ${uri}`);
  }
  for (const file of socketsOfLibkrun(options, ownSocketSuffix(machine.library)))
    end.undo(() => rmSync(file, { force: true }));
  end.undo(takeTerminal({ silent: process.platform === 'linux' && consoleFile === undefined }));
  const descriptors = { ...ready.interfaces, stop: pipe.read, ...(log && { log: log.fd }) };
  const refused = await execute(machine.calls, machine.library, descriptors, (results) => {
    const { shutdown } = results;
    button.connect(shutdown);
    if (shutdown !== undefined) way = () => void button.press();
    if (options.timesyncPort !== undefined)
      keepTime(machine.host.timesyncSocket, (message) => host.tell(`krun: ${message}`));
    if (consoleFile !== undefined) watchForHalt(consoleFile, () => end.exit(0));
    if (options.pidFile !== undefined) writeFileSync(options.pidFile, String(process.pid));
  });
  // It stays where the machine has run, as krunkit's does.
  if (options.pidFile !== undefined) rmSync(options.pidFile, { force: true });
  return [explain(refused, log)];
}

/** Sockets that libkrun makes and does not remove, but for those in the temporary directory. */
function socketsOfLibkrun(options: KrunkitOptions, suffix: string): readonly string[] {
  return [
    ...devicesOf(options, 'vsock').flatMap(({ path, listener }) => (listener === 'guest' ? [path] : [])),
    ...devicesOf(options, 'net').flatMap(({ socket, peer }) =>
      socket === 'unixgram' && 'path' in peer && suffix !== '' ? [peer.path + suffix] : [],
    ),
  ];
}

function explain(refused: KrunFailure, log: LogFile | undefined): Diagnostic {
  const text = krunErrorText(refused);
  const isLate = refused.call === 'krun_start_enter';
  const said = log?.read();
  const reason = explainLog(isLate ? withHypervisorAnswer(said) : (said ?? ''));
  const found = reason?.hint ?? refused.hint;
  const message = reason === undefined ? text : `${reason.reason}: ${text}`;
  return errorDiagnostic('environment', message, found === undefined ? {} : { hint: found });
}
