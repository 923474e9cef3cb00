import { setTimeout as delay } from 'node:timers/promises';
import { err, ok, type Result } from '../base/result.ts';
import type { NetworkState, Refusal } from './api.ts';
import type { FoundGvproxy } from './gvproxy-program.ts';
import type { GvproxyApi } from './gvproxy-api.ts';
import type { GvproxyProcess } from './gvproxy-process.ts';
import type { UplinkEvents, UplinkKeeper, UplinkPhase } from './uplink.ts';

export interface KeeperOptions {
  readonly find: () => Promise<Result<FoundGvproxy, Refusal>>;
  readonly start: (program: string, signal: AbortSignal) => Promise<Result<GvproxyProcess, Refusal>>;
  readonly api: GvproxyApi;
  readonly events: UplinkEvents;
}

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5000;
/** After so long in good health, the next death is a new one. */
const HEALTHY_MS = 10_000;
const HEALTH_CHECK_MS = 10_000;
const FAILED_CHECKS = 2;

/**
 * Keeps one gvproxy running. That the first one does not start is final and has a reason; one that ended later is started
 * again for as long as it takes, because guests live on its network.
 */
export class GvproxyKeeper implements UplinkKeeper {
  readonly #options: KeeperOptions;
  readonly #stopping = new AbortController();
  readonly #waiting = new Set<() => void>();
  #phase: UplinkPhase = { status: 'starting' };
  #process: GvproxyProcess | undefined;
  #found: FoundGvproxy | undefined;
  #restarts = 0;
  #loop: Promise<void> | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  get phase(): UplinkPhase {
    return this.#phase;
  }

  get helper(): NetworkState['helper'] {
    if (!this.#found) return undefined;
    const pid = this.#process?.pid;
    return {
      name: 'gvproxy',
      path: this.#found.path,
      version: this.#found.version,
      ...(pid === undefined ? {} : { pid }),
      restarts: this.#restarts,
    };
  }

  /** Resolves as soon as gvproxy is ready or has failed, or when the time is over. */
  async settled(timeoutMs: number): Promise<UplinkPhase> {
    const deadline = performance.now() + timeoutMs;
    while (this.#phase.status === 'starting' || this.#phase.status === 'recovering') {
      const left = deadline - performance.now();
      if (left <= 0) break;
      await this.#nextPhase(left);
    }
    return this.#phase;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#process?.stop();
    await this.#loop;
  }

  #nextPhase(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiting.add(done);
    });
  }

  #enter(phase: UplinkPhase): void {
    this.#phase = phase;
    for (const wake of this.#waiting) wake();
  }

  async #run(): Promise<void> {
    const first = await this.#startOnce();
    if (!first.ok) {
      this.#options.events.say(first.error.message);
      this.#enter({ status: 'failed', ...first.error });
      return;
    }
    let running: GvproxyProcess | undefined = first.value;
    let failures = 0;
    while (!this.#isStopping) {
      let problem: Refusal;
      if (running) {
        const since = performance.now();
        problem = { message: `gvproxy ended (${await this.#serve(running)})` };
        if (performance.now() - since >= HEALTHY_MS) failures = 0;
      } else {
        const again = await this.#startOnce();
        running = again.ok ? again.value : undefined;
        if (again.ok) continue;
        problem = again.error;
      }
      running = undefined;
      if (this.#isStopping) return;
      const waitMs = Math.min(FIRST_BACKOFF_MS * 2 ** failures, LONGEST_BACKOFF_MS);
      failures += 1;
      // One line for each change, not one for each of a thousand tries.
      const isNews = this.#phase.status === 'ready' || waitMs < LONGEST_BACKOFF_MS;
      if (isNews) this.#options.events.say(`${problem.message}; krun starts it again in ${waitMs} ms`);
      this.#enter({ status: 'recovering', ...problem });
      await this.#pause(waitMs);
    }
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #startOnce(): Promise<Result<GvproxyProcess, Refusal>> {
    const found = await this.#options.find();
    if (!found.ok) return found;
    this.#found = found.value;
    if (this.#isStopping) return err({ message: 'the network was stopped' });
    const started = await this.#options.start(found.value.path, this.#stopping.signal);
    if (!started.ok) return started;
    this.#process = started.value;
    if (this.#isStopping) await started.value.stop();
    return ok(started.value);
  }

  /** Resolves with how gvproxy ended. */
  async #serve(running: GvproxyProcess): Promise<string> {
    const { say, connected, restore } = this.#options.events;
    connected(running.link);
    await restore();
    const isRestart = this.#phase.status === 'recovering';
    if (isRestart) this.#restarts += 1;
    const { version = '' } = this.#found ?? {};
    const again = isRestart ? ' again; links and ports work as before' : '';
    say(`gvproxy ${version} is ready${again} (process ${running.pid})`);
    const over = new AbortController();
    const checks = this.#checkHealth(running, over.signal);
    this.#enter({ status: 'ready' });
    const ending = await running.ended;
    over.abort();
    this.#process = undefined;
    await checks;
    return ending;
  }

  async #checkHealth(running: GvproxyProcess, over: AbortSignal): Promise<void> {
    let failed = 0;
    while (await pause(HEALTH_CHECK_MS, over)) {
      const problem = await this.#healthProblem();
      failed = problem === undefined ? 0 : failed + 1;
      if (problem === undefined) await this.#options.events.healthy();
      else if (failed >= FAILED_CHECKS) {
        this.#options.events.say(`gvproxy is killed, because it does not work any more: ${problem}`);
        running.kill();
        return;
      }
    }
  }

  async #healthProblem(): Promise<string | undefined> {
    try {
      await this.#options.api.forwards();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  async #pause(timeoutMs: number): Promise<void> {
    await pause(timeoutMs, this.#stopping.signal);
  }
}

/** False when it was cut short. */
async function pause(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(timeoutMs, undefined, { signal });
    return true;
  } catch (error) {
    if ((error as Error).name === 'AbortError') return false;
    throw error;
  }
}
