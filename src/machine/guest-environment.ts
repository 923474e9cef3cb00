import { quote } from '../base/shell.ts';

/** Variables that bash will not let a script set, and the one that would change how the script itself is read. */
const SHELL_OWN = new Set(['UID', 'EUID', 'PPID', 'BASHOPTS', 'BASH_VERSINFO', 'SHELLOPTS', 'IFS']);

type Environment = Readonly<Record<string, string>>;

/** Lines of a shell script that export the variables that a shell can hold. */
export function exportLines(environment: Environment): readonly string[] {
  return Object.entries(environment)
    .filter(([name]) => isPlain(name))
    .map(([name, value]) => `export ${name}=${quote(value)}`);
}

/** Words in front of a command for the variables that a shell cannot hold. */
export function environmentPrefix(environment: Environment): readonly string[] {
  const others = Object.entries(environment).filter(([name]) => !isPlain(name));
  return others.length === 0 ? [] : ['env', ...others.map(([name, value]) => quote(`${name}=${value}`))];
}

function isPlain(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !SHELL_OWN.has(name) && !name.startsWith('krun_');
}
