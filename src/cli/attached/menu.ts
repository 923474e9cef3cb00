/** What the keys of an attached `up` mean now: a key of the menu, or the name of a machine that one of them asks for. */
export type MenuLevel = 'main' | 'restart' | 'logs';

export type MenuCommand =
  | { readonly type: 'detach' | 'watch' | 'help' | 'line' | 'interrupt' | 'suspend' | 'quit' }
  | { readonly type: 'restart'; readonly machines: readonly string[] }
  /** Shows the output of these only. */
  | { readonly type: 'logs'; readonly machines: readonly string[] };

export interface MenuStep {
  readonly level: MenuLevel;
  readonly command?: MenuCommand;
}

/** Keys that name machines; `0` is all of them. */
const MACHINE_KEYS = '123456789abcdefghijklmnopqrstuvwxyz';

const CONTROLS: Readonly<Record<string, MenuCommand>> = {
  '\u0003': { type: 'interrupt' },
  '\u001a': { type: 'suspend' },
  '\u001c': { type: 'quit' },
};

/** What a key does. */
export function pressKey(level: MenuLevel, key: string, machines: readonly string[]): MenuStep {
  const control = CONTROLS[key];
  if (control) return { level: 'main', command: control };
  if (level !== 'main') {
    const chosen = key === '0' ? machines : machines.filter((_, index) => MACHINE_KEYS[index] === key);
    return chosen.length === 0
      ? { level: 'main' }
      : { level: 'main', command: { type: level, machines: chosen } };
  }
  switch (key) {
    case 'd':
      return { level, command: { type: 'detach' } };
    case 'w':
      return { level, command: { type: 'watch' } };
    case 'r':
      return machines.length === 1 ? { level, command: { type: 'restart', machines } } : { level: 'restart' };
    case 'l':
      return { level: 'logs' };
    case '?':
    case 'h':
      return { level, command: { type: 'help' } };
    case '\r':
    case '\n':
      return { level, command: { type: 'line' } };
    default:
      return { level };
  }
}

export interface MenuView {
  readonly level: MenuLevel;
  readonly machines: readonly string[];
  /** Machines whose output is shown. */
  readonly shown: readonly string[];
  readonly isWatching: boolean;
}

/** The line at the bottom of the terminal. */
export function menuLine({ level, machines, shown, isWatching }: MenuView): string {
  if (level !== 'main') {
    const names = machines.map((name, index) => `${MACHINE_KEYS[index] ?? '-'} ${name}`);
    return [`${level === 'logs' ? 'logs of' : 'restart'}: 0 all`, ...names].join('   ');
  }
  const logs = shown.length === machines.length ? 'all' : shown.join(', ');
  return [`d detach`, `w watch: ${isWatching ? 'on' : 'off'}`, 'r restart', `l logs: ${logs}`, '? help'].join(
    '   ',
  );
}

/** What `?` prints. */
export const MENU_HELP: readonly string[] = [
  'd       leave, and let the machines run on',
  'w       watch files, or stop watching them',
  'r       start a machine again',
  'l       show the output of one machine, or of all',
  'Enter   an empty line',
  'Ctrl-C  stop the machines; a second time kills them',
];
