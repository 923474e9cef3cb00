import path from 'node:path';
import type { MachO } from '../../../src/host/mach-o.ts';
import type { ProgramResult } from '../../../src/host/run-program.ts';
import type { SigningHost } from '../../../src/host/signed-node.ts';

interface FakeFile {
  text: string;
  mtimeMs: number;
  /** Set by codesign. */
  entitlements?: string;
  machO?: MachO;
}

export const SYSTEM_LIBRARIES: MachO = { libraries: ['/usr/lib/libSystem.B.dylib'], rpaths: [] };

/** A Mac as far as signing looks at it: files, and a codesign that keeps its rules. Everything that is done is noted. */
export class FakeMac implements SigningHost {
  readonly files: Map<string, FakeFile> = new Map();
  readonly links: Map<string, string> = new Map();
  /** Command lines and changes of files, in order. */
  readonly done: string[] = [];
  /** What a program answers in place of what it would. */
  readonly answers: Map<string, ProgramResult> = new Map();
  locks = 0;
  #clock = 1000;

  add(file: string, text: string, machO: MachO = SYSTEM_LIBRARIES): void {
    this.files.set(file, { text, mtimeMs: ++this.#clock, machO });
  }

  async run(program: string, args: readonly string[]): Promise<ProgramResult> {
    const line = [program, ...args].join(' ');
    this.done.push(`run ${line}`);
    for (const [start, answer] of this.answers) if (line.startsWith(start)) return answer;
    if (program === '/usr/bin/codesign') return this.#codesign(args);
    const file = this.files.get(program);
    return file ? ended(0, `v${file.text}\n`) : { kind: 'not-started', code: 'ENOENT' };
  }

  #codesign(args: readonly string[]): ProgramResult {
    const target = args.at(-1) ?? '';
    const file = this.files.get(target);
    if (!file) return ended(1, '', `${target}: No such file or directory`);
    if (args.includes('-s')) {
      // It writes a new file.
      const { text: entitlements = '' } = this.files.get(args[1] ?? '') ?? {};
      this.files.set(target, { ...file, text: file.text, entitlements, mtimeMs: ++this.#clock });
      return ended(0, '', `${target}: replacing existing signature`);
    }
    if (args.includes('--verify')) return ended(0);
    return ended(0, file.entitlements ?? '');
  }

  async stat(file: string): Promise<{ readonly size: number; readonly mtimeMs: number } | undefined> {
    const found = this.files.get(file);
    if (found) return { size: found.text.length, mtimeMs: found.mtimeMs };
    const isDirectory = [...this.files.keys()].some((name) => name.startsWith(`${file}/`));
    return isDirectory ? { size: 0, mtimeMs: 0 } : undefined;
  }

  async readText(file: string): Promise<string | undefined> {
    return this.files.get(file)?.text;
  }

  async writeText(file: string, text: string): Promise<void> {
    this.done.push(`write ${file}`);
    this.files.set(file, { text, mtimeMs: ++this.#clock });
  }

  async copy(from: string, to: string): Promise<void> {
    this.done.push(`copy ${from} ${to}`);
    const file = this.files.get(from);
    if (!file) throw new Error(`ENOENT ${from}`);
    this.files.set(to, { ...file, mtimeMs: ++this.#clock });
  }

  async makeDirectory(directory: string): Promise<void> {
    this.done.push(`mkdir ${directory}`);
  }

  async rename(from: string, to: string): Promise<void> {
    this.done.push(`rename ${from} ${to}`);
    for (const [name, file] of this.files) {
      if (!name.startsWith(`${from}/`)) continue;
      this.files.delete(name);
      this.files.set(path.join(to, path.relative(from, name)), file);
    }
  }

  async remove(target: string): Promise<void> {
    for (const name of this.files.keys()) {
      if (name !== target && !name.startsWith(`${target}/`)) continue;
      this.files.delete(name);
      this.done.push(`remove ${name}`);
    }
  }

  async locked<T>(lockFile: string, work: () => Promise<T>): Promise<T> {
    this.done.push(`lock ${lockFile}`);
    this.locks += 1;
    const result = await work();
    this.done.push('unlock');
    return result;
  }

  async realPath(file: string): Promise<string | undefined> {
    const real = this.links.get(file) ?? file;
    return this.files.has(real) ? real : undefined;
  }

  async readMachO(file: string): Promise<MachO | undefined> {
    return this.files.get(file)?.machO;
  }
}

export function ended(code: number, stdout = '', stderr = ''): ProgramResult {
  return { kind: 'ended', code, stdout, stderr };
}
