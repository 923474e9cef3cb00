import type { Health } from '../plan/health.ts';
import type { Healthcheck } from '../project/project.ts';
import { readLogs } from '../store/log-read.ts';
import type { LogLine } from '../store/records.ts';
import { afterProbe, startPatienceMs } from './health-judgement.ts';

export interface LogWatchOptions {
  readonly check: Healthcheck;
  readonly pattern: string;
  readonly logFile: string;
  readonly run: number;
  readonly startedAtMs: number;
  readonly health: Health;
  readonly judged: (health: Health) => void;
}

/** Looks for a line in what a machine says; nothing is polled. */
export class LogWatch {
  readonly #options: LogWatchOptions;
  readonly #pattern: RegExp;
  readonly #text = new WholeLines();
  #health: Health;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: LogWatchOptions) {
    this.#options = options;
    this.#health = options.health;
    this.#pattern = new RegExp(options.pattern, 'u');
    if (options.health.status === 'healthy') {
      this.#isOver = true;
      return;
    }
    const overMs = options.startedAtMs + startPatienceMs(options.check) - Date.now();
    if (options.health.status === 'starting') this.#waitUntilOver(Math.max(0, overMs));
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  /** Takes in what was said before anybody looked. */
  async readPast(): Promise<void> {
    const { logFile, run } = this.#options;
    const accept = ({ r, s }: LogLine): boolean => r === run && isOutput(s);
    for await (const { line } of readLogs([{ file: logFile }], { accept })) {
      if (this.#isOver) return;
      this.see([line]);
    }
  }

  see(lines: readonly LogLine[]): void {
    for (const line of lines) {
      if (this.#isOver) return;
      if (!isOutput(line.s)) continue;
      const text = this.#text.add(line);
      if (text === undefined || !this.#pattern.test(text)) continue;
      this.stop();
      this.#judge({ ok: true });
    }
  }

  #waitUntilOver(leftMs: number): void {
    this.#timer = setTimeout(() => {
      const message = `no line of its log matches ${this.#options.pattern}`;
      this.#judge({ ok: false, failure: { message } });
      // A timer may be a moment early.
      if (this.#health.status === 'starting') this.#waitUntilOver(1);
    }, leftMs);
  }

  #judge(result: Parameters<typeof afterProbe>[2]): void {
    const { check, startedAtMs, judged } = this.#options;
    this.#health = afterProbe(check, this.#health, result, { startedAtMs, nowMs: Date.now() });
    judged(this.#health);
  }
}

/** Puts the pieces of long lines together. */
class WholeLines {
  readonly #begun = new Map<LogLine['s'], string>();

  /** The whole line; undefined while it goes on. */
  add({ s, l, p }: LogLine): string | undefined {
    const text = (this.#begun.get(s) ?? '') + l;
    if (!p) {
      this.#begun.delete(s);
      return text;
    }
    this.#begun.set(s, text.slice(-LONGEST_LINE));
    return undefined;
  }
}

/** Who writes without ever ending a line does not fill the memory. */
const LONGEST_LINE = 256 * 1024;

/** Whether the guest itself said it. */
function isOutput(stream: LogLine['s']): boolean {
  return stream === 'stdout' || stream === 'stderr' || stream === 'console';
}
