import { openSession, type Session } from '../../session/client.ts';
import { type GuestLoad, LOAD_SCRIPT, parseLoad } from '../../view/stats.ts';

/** A guest that is slower than that is shown without its own values. */
const PATIENCE_MS = 2000;

/** Asks one guest again and again what it uses, through one session. */
export class GuestSampler {
  readonly #session: Session;
  #round = 0;
  #text = '';
  #answer: ((text: string | undefined) => void) | undefined;
  #hasEnded = false;

  private constructor(session: Session) {
    this.#session = session;
    session.stdout.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    session.stderr.resume();
    void session.end.then(() => {
      this.#hasEnded = true;
      this.#answer?.(undefined);
    });
  }

  /** Undefined where the guest takes no commands. */
  static async open(controlSocket: string): Promise<GuestSampler | undefined> {
    const request = {
      command: ['/bin/sh', '-c', LOAD_SCRIPT],
      environment: {},
      stdin: true,
      workingDir: '/',
    };
    const opened = await openSession(controlSocket, request, { answerMs: PATIENCE_MS });
    return opened.ok ? new GuestSampler(opened.value) : undefined;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** What the guest uses now; undefined where it does not say so in time. */
  async sample(): Promise<GuestLoad | undefined> {
    if (this.#hasEnded) return undefined;
    // One that has not answered yet is not asked again: its answer will do.
    if (this.#answer === undefined) {
      this.#round += 1;
      this.#session.stdin.write(`${this.#round}\n`);
    }
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<string | undefined>((resolve) => {
      this.#answer = resolve;
      timer = setTimeout(() => resolve(undefined), PATIENCE_MS);
    });
    const text = await answer;
    clearTimeout(timer);
    if (text === undefined) return undefined;
    this.#answer = undefined;
    return parseLoad(text);
  }

  close(): void {
    this.#session.close();
  }

  #take(text: string): void {
    this.#text += text;
    const mark = `=end ${this.#round}\n`;
    const end = this.#text.indexOf(mark);
    if (end === -1) return;
    const answer = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + mark.length);
    this.#answer?.(answer);
  }
}
