import { execa, type ResultPromise } from 'execa';
import { rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { err, ok, type Result } from '../base/result.ts';
import { ChangeSignal } from '../host/change-signal.ts';
import { writeIdentity } from '../host/claim-run.ts';
import { errnoOf, ignoreErrno, systemHint } from '../host/errno.ts';
import { LONGEST_SOCKET_PATH } from '../project/socket-path.ts';
import type { Refusal } from './api.ts';
import type { GvproxyApi } from './gvproxy-api.ts';
import type { NetworkLog } from './network-log.ts';
import { explainGvproxy, gvproxyCommand, type GvproxySettings } from './gvproxy-command.ts';

export interface GvproxyStart {
  readonly program: string;
  readonly settings: GvproxySettings;
  readonly api: GvproxyApi;
  /** Where the configuration file and the identity of the process go. */
  readonly runDirectory: string;
  readonly run: number;
  readonly log: Pick<NetworkLog, 'helper' | 'helperEnded'>;
  readonly signal: AbortSignal;
}

/** A gvproxy that answers, with the connection that is its one link. */
export interface GvproxyProcess {
  readonly pid: number;
  readonly link: net.Socket;
  /** How it ended: `exit 0`, `SIGKILL`. */
  readonly ended: Promise<string>;
  /** SIGTERM, and SIGKILL where that does not help. */
  stop(): Promise<void>;
  kill(): void;
}

/** gvproxy is ready in 20 ms; a machine that is short of everything takes its time. */
const READY_MS = 10_000;
const STOP_GRACE_MS = 2000;
const TAIL_BYTES = 4096;

/** Starts gvproxy and waits until it answers. */
export async function startGvproxy(start: GvproxyStart): Promise<Result<GvproxyProcess, Refusal>> {
  const { sockets } = start.settings;
  for (const socket of Object.values(sockets)) {
    const bytes = Buffer.byteLength(socket);
    if (bytes <= LONGEST_SOCKET_PATH) continue;
    return err({
      message: `the socket path ${socket} has ${bytes} bytes; the system takes ${LONGEST_SOCKET_PATH}`,
      hint: 'set XDG_RUNTIME_DIR to a short path',
    });
  }
  // Nobody else uses these paths: what is there was left by a process that was killed.
  for (const socket of Object.values(sockets)) rmSync(socket, { force: true });
  const child = new Child(start);
  const problem = await child.spawned;
  if (problem) return err(problem);
  return child.untilReady();
}

interface GvproxyOptions {
  readonly cwd: string;
  readonly stdin: 'ignore';
  readonly buffer: false;
  readonly reject: false;
  readonly detached: true;
  readonly cleanup: false;
}
type GvproxyChild = ResultPromise<GvproxyOptions>;

class Child implements GvproxyProcess {
  readonly #start: GvproxyStart;
  readonly #process: GvproxyChild;
  readonly spawned: Promise<Refusal | undefined>;
  readonly ended: Promise<string>;
  #tail = '';
  #link: net.Socket | undefined;
  #hasEnded = false;

  constructor(start: GvproxyStart) {
    this.#start = start;
    this.#process = spawnGvproxy(start);
    this.spawned = new Promise((resolve) => {
      this.#process.once('spawn', () => resolve(undefined));
      this.#process.once('error', (error) => resolve(spawnRefusal(start.program, error)));
    });
    this.ended = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => {
        this.#hasEnded = true;
        // What it may have started has no business without it, and would keep its output open.
        this.#signalGroup('SIGKILL');
        resolve(signal ?? `exit ${code}`);
      });
    });
    this.#process.once('close', () => start.log.helperEnded());
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.on('data', (bytes: Buffer) => this.#take(bytes));
    }
    const { pid } = this.#process;
    // Until the link is up, nothing but this tells that it is ours.
    if (pid !== undefined) writeIdentity(helperFile(start.runDirectory), pid, start.run);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get link(): net.Socket {
    if (!this.#link) throw new Error('Internal error: gvproxy has no link yet');
    return this.#link;
  }

  async untilReady(): Promise<Result<GvproxyProcess, Refusal>> {
    const deadline = AbortSignal.timeout(READY_MS);
    const over = new AbortController();
    const signal = AbortSignal.any([deadline, this.#start.signal, over.signal]);
    const ending = this.ended.then((how) => {
      over.abort();
      return how;
    });
    this.#link = await this.#connect(signal);
    if (this.#link) {
      // It ends with its link by itself; one that does not would be a network without a way out.
      this.#link.once('close', () => setTimeout(() => this.kill(), STOP_GRACE_MS).unref());
      return ok(this);
    }
    if (this.#hasEnded) {
      await this.#process;
      return err(explainGvproxy(this.#tail, await ending));
    }
    await this.stop();
    if (this.#start.signal.aborted) return err({ message: 'the network was stopped' });
    return err({
      message: `${this.#start.program} has not answered for ${READY_MS / 1000} s after its start`,
      hint: 'is it gvproxy? Run it by hand with `-version`; KRUN_GVPROXY names another one',
    });
  }

  /**
   * The link is taken as soon as it is there, because gvproxy ends with it; it is used when the API answers. Waits for
   * the sockets to appear, not for a time.
   */
  async #connect(signal: AbortSignal): Promise<net.Socket | undefined> {
    const { gvproxyApi, gvproxyLink } = this.#start.settings.sockets;
    const changes = new ChangeSignal();
    let link: net.Socket | undefined;
    try {
      while (!signal.aborted) {
        changes.watchOnly([path.dirname(gvproxyApi)]);
        link ??= await connectUnix(gvproxyLink);
        if (link && (await isAnswering(this.#start.api))) return link;
        await changes.next(signal);
      }
      link?.destroy();
      return undefined;
    } finally {
      changes.close();
    }
  }

  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    this.#signalGroup('SIGTERM');
    // It waits for the other side of its link.
    this.#link?.destroy();
    const timer = setTimeout(() => this.#signalGroup('SIGKILL'), STOP_GRACE_MS);
    await this.ended;
    clearTimeout(timer);
  }

  kill(): void {
    if (!this.#hasEnded) this.#signalGroup('SIGKILL');
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      // EPERM: on macOS, a group of which only remains are left.
      ignoreErrno(error, 'ESRCH', 'EPERM');
    }
  }

  #take(bytes: Buffer): void {
    this.#tail = (this.#tail + bytes.toString('utf8')).slice(-TAIL_BYTES);
    this.#start.log.helper(bytes);
  }
}

/** Where the identity of a helper stands that its network process started. */
export function helperFile(runDirectory: string): string {
  return path.join(runDirectory, 'helper.json');
}

function spawnGvproxy({ program, settings, runDirectory }: GvproxyStart): GvproxyChild {
  const configFile = path.join(runDirectory, 'gvproxy.json');
  const { args, config } = gvproxyCommand(settings, configFile);
  if (config !== undefined) writeFileSync(configFile, config, { mode: 0o600 });
  const options: GvproxyOptions = {
    // Old versions write files into their working directory.
    cwd: path.dirname(settings.sockets.gvproxyApi),
    stdin: 'ignore',
    buffer: false,
    reject: false,
    // A process group of its own, so that a terminal's Ctrl-C is not its end.
    detached: true,
    cleanup: false,
  };
  return execa(program, args, options);
}

async function isAnswering(api: GvproxyApi): Promise<boolean> {
  try {
    await api.forwards();
    return true;
  } catch {
    // Whatever it is, nobody answers as gvproxy does; when that lasts, the deadline tells.
    return false;
  }
}

/** A connection to a unix socket; undefined where nobody listens yet. */
function connectUnix(socketPath: string): Promise<net.Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(socketPath);
    socket.once('error', (error) => {
      const code = errnoOf(error);
      if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'EAGAIN') resolve(undefined);
      else reject(error);
    });
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      // Whoever takes the link over hears of its end by 'close'.
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}

function spawnRefusal(program: string, error: Error): Refusal {
  const code = errnoOf(error);
  if (code === 'ENOEXEC') {
    return {
      message: `${program} is not a program of this system`,
      hint: 'install gvproxy for this processor',
    };
  }
  const hint = code === undefined ? undefined : systemHint(code);
  const message = `${program} cannot be started: ${error.message}`;
  return { message, ...(hint === undefined ? {} : { hint }) };
}
