/**
 * Linux's signals on x86_64 and aarch64 in the order of their numbers, from 1; signals are for the guest, which is
 * always Linux.
 */
export const SIGNAL_NAMES: readonly string[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGKILL',
  'SIGUSR1',
  'SIGSEGV',
  'SIGUSR2',
  'SIGPIPE',
  'SIGALRM',
  'SIGTERM',
  'SIGSTKFLT',
  'SIGCHLD',
  'SIGCONT',
  'SIGSTOP',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGURG',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGVTALRM',
  'SIGPROF',
  'SIGWINCH',
  'SIGIO',
  'SIGPWR',
  'SIGSYS',
];

const FIRST_REAL_TIME = 34;
const LAST_REAL_TIME = 64;

/** Name of a signal given as `TERM`, `SIGTERM`, `sigterm` or `15`; `SIGRTMIN+3` and 37 are the same. */
export function parseSignal(value: string | number): string | undefined {
  const text = String(value).trim().toUpperCase();
  if (/^\d+$/.test(text)) return nameOfNumber(Number(text));
  const name = text.startsWith('SIG') ? text : `SIG${text}`;
  if (SIGNAL_NAMES.includes(name)) return name;
  const number = realTimeNumber(name);
  return number === undefined ? undefined : nameOfNumber(number);
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
