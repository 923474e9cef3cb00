import type { CopyCount } from '../copy/api.ts';
import { copyCountText } from '../view/copy.ts';
import { type Context, tell, tellJson, wantsJson } from './context.ts';

/** A copy that is done before gets no line that changes. */
const SHOWN_AFTER_MS = 1000;
const REDRAWN_AFTER_MS = 100;
const CLEAR_LINE = '\r\u001B[K';

/** Shows a copy on stderr: how far it is where it takes longer, and what it was. */
export class CopyProgress {
  readonly #context: Context;
  readonly #isQuiet: boolean;
  readonly #isDrawn: boolean;
  #nextMs: number;
  #hasLine = false;

  constructor(context: Context, isQuiet: boolean) {
    const { progress, ansi } = context.global;
    this.#context = context;
    this.#isQuiet = isQuiet || progress === 'quiet';
    const mayDraw = context.stderr.isTty && ansi !== 'never' && context.env['TERM'] !== 'dumb';
    this.#isDrawn = !this.#isQuiet && mayDraw && (progress === 'auto' || progress === 'tty');
    this.#nextMs = context.now() + SHOWN_AFTER_MS;
  }

  update(count: CopyCount): void {
    const now = this.#context.now();
    if (!this.#isDrawn || now < this.#nextMs) return;
    this.#nextMs = now + REDRAWN_AFTER_MS;
    this.#hasLine = true;
    this.#context.stderr.stream.write(`${CLEAR_LINE}copying: ${copyCountText(count)}`);
  }

  /** Makes room for other lines. */
  clear(): void {
    if (this.#hasLine) this.#context.stderr.stream.write(CLEAR_LINE);
    this.#hasLine = false;
  }

  done(count: CopyCount, destination: string): void {
    this.clear();
    if (this.#isQuiet) return;
    if (wantsJson(this.#context)) tellJson(this.#context, { type: 'copied', ...count, destination });
    else tell(this.#context, `copied ${copyCountText(count)} to ${destination}`);
  }
}
