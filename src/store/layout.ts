import { createHash } from 'node:crypto';
import path from 'node:path';

/**
 * Every path that krun uses, in one place.
 *
 *     <project>/.krun[/<-p name>]/          0700, ignores itself for git
 *       project.json                        name, files, schema version
 *       lock                                flock(2) held by the supervisor for its life
 *       supervisor.log                      the supervisor's own stderr
 *       events.jsonl                        Event, one a line
 *       disks/<name>.<format>               named disks
 *       builds/<hash of root>.json          fingerprints of build inputs
 *       builds/<machine>.log                output of its last build
 *       machines/<machine>/
 *         record.json                       MachineRecord: definition, state
 *         intent.json                       the run that may live (MachineSpec.intentFile)
 *         run-<n>/spec.json                 MachineSpec of the run
 *         run-<n>/process.json              ProcessIdentity, written by the machine process
 *         run-<n>/helper[-ethN].json         ProcessIdentity of a program that it runs
 *         run-<n>.{stdout,stderr,console,status}   raw files that libkrun appends to
 *         run-<n>.helper                    what passt or vmnet-helper says
 *         log.jsonl[.1 ...]                 what the supervisor made of them
 *       leases.json                         addresses and ports that krun chose, kept for the project
 *       networks/<network>/
 *         record.json                       NetworkRecord: run, helper
 *         intent.json, run-<n>/             as of a machine
 *         log.jsonl[.1 ...]                 what the network process and its helper say
 *     <runtime>/<id>/                       0700
 *       s                                   supervisor's socket
 *       m-<machine or hash>                 machine's control socket
 *       n-<network or hash>                 network's control socket
 *       grants.json                         contents of secrets and configs (GrantContents)
 *       f-<machine or hash>                 those of one run, until its process has read them
 *       l-<hash>                            what a machine's libkrun connects to
 *       v-<hash>                            socket of a vsock port at which a guest listens
 *       t-<hash>                            link to the terminal of a console port
 *       ga-<hash>, gq-<hash>                gvproxy's API, and its link to krun's switch
 *     <runtime>/port-<n>[-udp]              flock(2) of the machine, or the supervisor, that holds host port n
 *     <data>/krun/projects/<id>.json        index of all projects of the user, for `krun ls`
 *     <data>/krun/runtime/                  libkrun and libkrunfw where npm could not bring them
 *     <data>/krun/node/                     macOS: copies of node that may make virtual machines
 */
export interface Layout {
  /** 12 hex digits of the project's real path and `-p` name: two worktrees never meet. */
  readonly id: string;
  readonly projectDirectory: string;
  readonly stateDirectory: string;
  readonly projectFile: string;
  readonly lockFile: string;
  readonly supervisorLog: string;
  readonly eventsFile: string;
  readonly disksDirectory: string;
  readonly buildsDirectory: string;
  readonly machinesDirectory: string;
  readonly networksDirectory: string;
  readonly leasesFile: string;
  readonly runtimeDirectory: string;
  readonly supervisorSocket: string;
  readonly grantsFile: string;
  readonly indexFile: string;
}

export interface MachineLayout {
  readonly directory: string;
  readonly recordFile: string;
  readonly intentFile: string;
  readonly logFile: string;
  readonly controlSocket: string;
  readonly guestFiles: string;
}

/** The parts of the environment that paths depend on. */
export interface LayoutEnvironment {
  readonly XDG_RUNTIME_DIR?: string | undefined;
  readonly XDG_DATA_HOME?: string | undefined;
  readonly HOME?: string | undefined;
  readonly TMPDIR?: string | undefined;
}

/** Name of the per-machine raw files of one run. */
export const STREAMS = ['stdout', 'stderr', 'console', 'helper'] as const;
export type Stream = (typeof STREAMS)[number];

export function projectLayout(
  projectDirectory: string,
  nameOverride: string | undefined,
  environment: LayoutEnvironment,
  uid: number,
): Layout {
  const id = createHash('sha256')
    .update(`${projectDirectory}\0${nameOverride ?? ''}`)
    .digest('hex')
    .slice(0, 12);
  const base = path.join(projectDirectory, '.krun');
  const stateDirectory = nameOverride === undefined ? base : path.join(base, 'projects', nameOverride);
  const runtimeDirectory = path.join(runtimeBase(environment, uid), id);
  return {
    id,
    projectDirectory,
    stateDirectory,
    projectFile: path.join(stateDirectory, 'project.json'),
    lockFile: path.join(stateDirectory, 'lock'),
    supervisorLog: path.join(stateDirectory, 'supervisor.log'),
    eventsFile: path.join(stateDirectory, 'events.jsonl'),
    disksDirectory: path.join(stateDirectory, 'disks'),
    buildsDirectory: path.join(stateDirectory, 'builds'),
    machinesDirectory: path.join(stateDirectory, 'machines'),
    networksDirectory: path.join(stateDirectory, 'networks'),
    leasesFile: path.join(stateDirectory, 'leases.json'),
    runtimeDirectory,
    supervisorSocket: path.join(runtimeDirectory, 's'),
    grantsFile: path.join(runtimeDirectory, 'grants.json'),
    indexFile: path.join(dataDirectory(environment), 'projects', `${id}.json`),
  };
}

export function machineLayout(layout: Layout, machine: string): MachineLayout {
  const directory = path.join(layout.machinesDirectory, machine);
  return {
    directory,
    recordFile: path.join(directory, 'record.json'),
    intentFile: path.join(directory, 'intent.json'),
    logFile: path.join(directory, 'log.jsonl'),
    controlSocket: path.join(layout.runtimeDirectory, socketName('m', machine)),
    guestFiles: path.join(layout.runtimeDirectory, socketName('f', machine)),
  };
}

export interface NetworkLayout {
  readonly directory: string;
  readonly recordFile: string;
  readonly intentFile: string;
  readonly logFile: string;
  readonly controlSocket: string;
  readonly gvproxyApi: string;
  readonly gvproxyLink: string;
}

export function networkLayout(layout: Layout, network: string): NetworkLayout {
  const directory = path.join(layout.networksDirectory, network);
  const socket = (prefix: string): string => path.join(layout.runtimeDirectory, socketName(prefix, network));
  return {
    directory,
    recordFile: path.join(directory, 'record.json'),
    intentFile: path.join(directory, 'intent.json'),
    logFile: path.join(directory, 'log.jsonl'),
    controlSocket: socket('n'),
    gvproxyApi: socket('ga'),
    gvproxyLink: socket('gq'),
  };
}

/** Where the libkrun of a machine finds its link to a network. */
export function linkSocket(layout: Layout, network: string, machine: string): string {
  return path.join(layout.runtimeDirectory, `l-${shortHash(`${network} ${machine}`)}`);
}

/** Where libkrun makes the socket of a vsock port at which a guest listens: it takes everybody's connections. */
export function vsockSocket(layout: Layout, machine: string, port: number): string {
  return path.join(layout.runtimeDirectory, `v-${shortHash(`${machine} ${port}`)}`);
}

/** Leads to the terminal of a console port, so that a link to it at the user's path is known for this machine's. */
export function terminalLink(
  { runtimeDirectory }: Pick<Layout, 'runtimeDirectory'>,
  machine: string,
  port: string,
): string {
  return path.join(runtimeDirectory, `t-${shortHash(`${machine} ${port}`)}`);
}

/**
 * What one run has to itself. A machine process that was slow to come up must find neither the spec of a later run, nor
 * a place to write its identity over a later one's.
 */
export interface RunLayout {
  readonly directory: string;
  readonly specFile: string;
  readonly identityFile: string;
}

export function runLayout(machine: { readonly directory: string }, run: number): RunLayout {
  const directory = path.join(machine.directory, `run-${run}`);
  return {
    directory,
    specFile: path.join(directory, 'spec.json'),
    identityFile: path.join(directory, 'process.json'),
  };
}

/** Identity of a program that the process of a run has for one interface, or of a network process's gvproxy. */
export function helperFile(run: Pick<RunLayout, 'directory'>, device = 'eth0'): string {
  return path.join(run.directory, device === 'eth0' ? 'helper.json' : `helper-${device}.json`);
}

/** Raw file of one stream (or `status`) of one run. */
export function rawFile(machine: MachineLayout, run: number, stream: Stream | 'status'): string {
  return path.join(machine.directory, `run-${run}.${stream}`);
}

/** The user's data directory: project index and downloaded runtime. */
export function dataDirectory(environment: LayoutEnvironment): string {
  const base = environment.XDG_DATA_HOME || path.join(environment.HOME || '/', '.local', 'share');
  return path.join(base, 'krun');
}

/** Where `krun doctor --fix` puts libkrun and libkrunfw. */
export function libraryCacheDirectory(environment: LayoutEnvironment): string {
  return path.join(dataDirectory(environment), 'runtime');
}

/** Where krun keeps copies of node that macOS lets make virtual machines. */
export function signedNodeDirectory(environment: LayoutEnvironment): string {
  return path.join(dataDirectory(environment), 'node');
}

/** Parent of the runtime directories of all projects of the user; short, because socket paths are. */
export function runtimeBase(environment: LayoutEnvironment, uid: number): string {
  const own = environment.XDG_RUNTIME_DIR;
  // A long XDG_RUNTIME_DIR would not leave room for the id and the socket's name.
  if (own && path.isAbsolute(own) && Buffer.byteLength(own) <= 60) return path.join(own, 'krun');
  // macOS hands out a TMPDIR of about 50 bytes; a longer one is not ours to trust with sockets.
  const temporary =
    environment.TMPDIR && Buffer.byteLength(environment.TMPDIR) <= 60 ? environment.TMPDIR : '/tmp';
  return path.join(temporary, `krun-${uid}`);
}

/** The prefix keeps names apart from the supervisor's socket; long names are hashed to stay short. */
function socketName(prefix: string, name: string): string {
  if (name.length <= 16) return `${prefix}-${name}`;
  return `${prefix}-${shortHash(name)}`;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
