/** Linux's signal numbers (x86_64 and aarch64); signals are for the guest, which is always Linux. */
const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
};

const FIRST_REAL_TIME = 34;
const LAST_REAL_TIME = 64;

/** Every signal name, for hints and completion. */
export const SIGNAL_NAMES: readonly string[] = Object.keys(SIGNALS);

/** Name of a signal given as `TERM`, `SIGTERM`, `sigterm` or `15`; `SIGRTMIN+3` and 37 are the same. */
export function parseSignal(value: string | number): string | undefined {
  const text = String(value).trim().toUpperCase();
  if (/^\d+$/.test(text)) return nameOfNumber(Number(text));
  const name = text.startsWith('SIG') ? text : `SIG${text}`;
  if (Object.hasOwn(SIGNALS, name)) return name;
  const number = realTimeNumber(name);
  return number === undefined ? undefined : nameOfNumber(number);
}

/** Number of a signal name that {@link parseSignal} gave. */
export function signalNumber(name: string): number | undefined {
  return Object.hasOwn(SIGNALS, name) ? SIGNALS[name] : realTimeNumber(name);
}

function nameOfNumber(number: number): string | undefined {
  if (number >= FIRST_REAL_TIME && number <= LAST_REAL_TIME) {
    return number === FIRST_REAL_TIME ? 'SIGRTMIN' : `SIGRTMIN+${number - FIRST_REAL_TIME}`;
  }
  return SIGNAL_NAMES[number - 1];
}

function realTimeNumber(name: string): number | undefined {
  const match = /^SIGRT(MIN(?:\+(\d+))?|MAX(?:-(\d+))?)$/.exec(name);
  if (!match) return undefined;
  const number = match[1]?.startsWith('MIN')
    ? FIRST_REAL_TIME + Number(match[2] ?? 0)
    : LAST_REAL_TIME - Number(match[3] ?? 0);
  return number >= FIRST_REAL_TIME && number <= LAST_REAL_TIME ? number : undefined;
}
