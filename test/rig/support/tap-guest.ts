import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Member } from '../../../src/network/api.ts';
import { until } from './until.ts';

const cache = path.resolve(import.meta.dirname, '../../../node_modules/.cache/krun-test');

/** A network namespace behind a tap device in place of a microVM. */
export class Guest {
  readonly #child: ChildProcess;
  #output = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
  }

  /** Resolves when the script has printed something. */
  static async start(member: Member, script: string): Promise<Guest> {
    const program = await compileTapGuest();
    const gateway = member.ip.replace(/\d+$/, '1');
    const args = [member.linkSocket ?? '', member.mac, `${member.ip}/24`, gateway];
    const guest = new Guest(spawn(program, [...args, process.execPath, '-e', script], { stdio: 'pipe' }));
    await guest.says(/./);
    return guest;
  }

  /** Resolves with the output as soon as it matches. */
  async says(pattern: RegExp): Promise<string> {
    const met = await until(() => pattern.test(this.#output) || this.#child.exitCode !== null, {
      timeoutMs: 30_000,
    });
    if (met && pattern.test(this.#output)) return this.#output;
    throw new Error(`guest (exit ${this.#child.exitCode}) does not say ${pattern}: ${this.#output}`);
  }

  /** Asks the script on its standard input. */
  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Stops the guest where it is; its link stays open. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Whether this machine lets tests make tap devices and network namespaces. */
export function canRunGuests(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return true;
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Compiles tap-guest.c once for each version of its source; the path of the program. */
async function compileTapGuest(): Promise<string> {
  const source = path.join(import.meta.dirname, 'tap-guest.c');
  const compiler = process.env['CC'] || 'cc';
  const hash = createHash('sha256')
    .update(`${compiler}\0`)
    .update(await readFile(source))
    .digest('hex');
  const program = path.join(cache, `tap-guest-${hash.slice(0, 16)}`);
  if (existsSync(program)) return program;
  await mkdir(cache, { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  const flags = ['-std=gnu11', '-O1', '-g', '-Wall', '-Wextra', '-Werror'];
  await promisify(execFile)(compiler, [...flags, '-o', unfinished, source]);
  // Two tests may compile at once; each puts a whole program in place.
  await rename(unfinished, program);
  return program;
}
