import { createHash } from 'node:crypto';
import path from 'node:path';
import { carriesHypervisor, ENTITLEMENTS_PLIST } from './entitlements.ts';
import { filesOfCopy, MissingLibrary, type LibrarySearch } from './node-libraries.ts';
import type { ProgramResult } from './run-program.ts';

/** What signing needs of the outside world. */
export interface SigningHost extends LibrarySearch {
  run(program: string, args: readonly string[]): Promise<ProgramResult>;
  /** Undefined where the file does not exist. */
  stat(file: string): Promise<FileStamp | undefined>;
  /** Undefined where the file does not exist. */
  readText(file: string): Promise<string | undefined>;
  writeText(file: string, text: string): Promise<void>;
  /** The contents alone, without extended attributes such as the mark of a download. */
  copy(from: string, to: string): Promise<void>;
  /** With all parents, each for its user alone. */
  makeDirectory(directory: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** With all that is below; nothing where it does not exist. */
  remove(target: string): Promise<void>;
  /** Runs the work while no other process of the user runs one under the same file. */
  locked<T>(lockFile: string, work: () => Promise<T>): Promise<T>;
}

/** What tells whether a file is still the one that it was. */
export interface FileStamp {
  readonly size: number;
  readonly mtimeMs: number;
}

/** The node that krun itself runs on. */
export interface NodeSource {
  /** Real path. */
  readonly path: string;
  /** Without `v`. */
  readonly version: string;
}

/** What became of the signed copy of a node. */
export type SignedNode =
  | { readonly kind: 'ready'; readonly program: string }
  | { readonly kind: 'missing' }
  /** It is the copy of a node that has changed since. */
  | { readonly kind: 'stale'; readonly reason: string }
  /** It was changed after it was signed, or its signature does not hold. */
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'not-entitled' }
  /** codesign does not run, or refuses. */
  | { readonly kind: 'failed'; readonly reason: string };

/** `record.json` of a copy. */
interface CopyRecord {
  readonly schemaVersion: 1;
  readonly source: NodeSource & FileStamp;
  /** The copy as it was when it had been signed. */
  readonly program: FileStamp;
}

const CODESIGN = '/usr/bin/codesign';

/** Directory of the copy of one node below the one that all copies have. */
export function copyDirectory(directory: string, source: NodeSource): string {
  const hash = createHash('sha256').update(source.path).digest('hex').slice(0, 8);
  return path.join(directory, `node-${source.version}-${hash}`);
}

/** Where a copy has the program: beside its libraries as the original has it. */
function programIn(copy: string, { path: original }: NodeSource): string {
  return path.join(copy, path.basename(path.dirname(original)), path.basename(original));
}

/** Looks at the copy as it is, and changes nothing. */
export async function checkSignedNode(
  source: NodeSource,
  directory: string,
  host: SigningHost,
): Promise<SignedNode> {
  const copy = copyDirectory(directory, source);
  const program = programIn(copy, source);
  const record = parseRecord(await host.readText(path.join(copy, 'record.json')));
  const [original, present] = [await host.stat(source.path), await host.stat(program)];
  if (record === undefined || present === undefined) return { kind: 'missing' };
  const { source: of } = record;
  // Who upgrades node takes away the one that runs; its copy serves until krun runs on the new one.
  const isOther = original !== undefined && !isSame(of, original);
  if (of.path !== source.path || of.version !== source.version || isOther) {
    return { kind: 'stale', reason: `${source.path} is another file than the one that was copied` };
  }
  if (!isSame(record.program, present)) {
    return { kind: 'invalid', reason: `${program} was changed after it was signed` };
  }
  return verify(program, host);
}

/**
 * The signed copy, made where there is none that serves. The node itself is never changed: a copy of it gets a signature
 * of its own, without an identity, which is all that Hypervisor.framework wants.
 */
export async function makeSignedNode(
  source: NodeSource,
  directory: string,
  host: SigningHost,
): Promise<SignedNode> {
  const before = await checkSignedNode(source, directory, host);
  if (before.kind === 'ready' || before.kind === 'failed') return before;
  await host.makeDirectory(directory);
  return host.locked(path.join(directory, 'lock'), async () => {
    // Who had the lock before may have made it.
    const present = await checkSignedNode(source, directory, host);
    if (present.kind === 'ready' || present.kind === 'failed') return present;
    return make(source, copyDirectory(directory, source), host);
  });
}

async function make(source: NodeSource, copy: string, host: SigningHost): Promise<SignedNode> {
  const original = await host.stat(source.path);
  if (original === undefined) return { kind: 'failed', reason: `${source.path} does not exist` };
  // Whoever holds the lock is the only one who makes any: what is there was left behind.
  const unfinished = `${copy}.new`;
  const previous = `${copy}.old`;
  await host.remove(unfinished);
  const program = await signInto(unfinished, source, host);
  if (program.kind !== 'ready') {
    await host.remove(unfinished);
    return program;
  }
  const signed = await host.stat(program.program);
  if (signed === undefined) return { kind: 'failed', reason: `${program.program} was removed meanwhile` };
  const record: CopyRecord = { schemaVersion: 1, source: { ...source, ...original }, program: signed };
  await host.writeText(path.join(unfinished, 'record.json'), `${JSON.stringify(record, undefined, 2)}\n`);
  await host.remove(previous);
  if ((await host.stat(copy)) !== undefined) await host.rename(copy, previous);
  await host.rename(unfinished, copy);
  await host.remove(previous);
  return { kind: 'ready', program: programIn(copy, source) };
}

/** A copy that is signed, verified and known to start. */
async function signInto(directory: string, source: NodeSource, host: SigningHost): Promise<SignedNode> {
  const program = programIn(directory, source);
  try {
    for (const { from, to } of await filesOfCopy(source.path, host)) {
      const target = path.join(directory, to);
      await host.makeDirectory(path.dirname(target));
      await host.copy(from, target);
    }
  } catch (error) {
    if (error instanceof MissingLibrary) return { kind: 'failed', reason: error.message };
    throw error;
  }
  const entitlements = path.join(directory, 'entitlements.plist');
  await host.writeText(entitlements, ENTITLEMENTS_PLIST);
  const signing = await host.run(CODESIGN, ['--entitlements', entitlements, '--force', '-s', '-', program]);
  if (!succeeded(signing)) return { kind: 'failed', reason: `codesign: ${textOf(signing)}` };
  const verified = await verify(program, host);
  if (verified.kind !== 'ready') return verified;
  const started = await host.run(program, ['--version']);
  const isSameNode = succeeded(started) && started.stdout.trim() === `v${source.version}`;
  if (isSameNode) return verified;
  return { kind: 'failed', reason: `the signed copy of ${source.path} does not start: ${textOf(started)}` };
}

async function verify(program: string, host: SigningHost): Promise<SignedNode> {
  const signature = await host.run(CODESIGN, ['--verify', '--strict', program]);
  if (signature.kind === 'not-started') return { kind: 'failed', reason: `codesign: ${signature.code}` };
  if (!succeeded(signature)) return { kind: 'invalid', reason: textOf(signature) };
  const shown = await host.run(CODESIGN, ['-d', '--entitlements', '-', '--xml', program]);
  if (!succeeded(shown)) return { kind: 'failed', reason: `codesign: ${textOf(shown)}` };
  return carriesHypervisor(shown.stdout) ? { kind: 'ready', program } : { kind: 'not-entitled' };
}

function succeeded(
  result: ProgramResult,
): result is Extract<ProgramResult, { readonly kind: 'ended' }> & { readonly code: 0 } {
  return result.kind === 'ended' && result.code === 0;
}

/** The last line that a program said, or how it ended where it said nothing. */
function textOf(result: ProgramResult): string {
  if (result.kind === 'not-started') return result.code;
  const said = result.stderr.trim().split('\n').at(-1) ?? '';
  if (result.kind === 'killed') return `ended by ${result.signal}${said === '' ? '' : `: ${said}`}`;
  return said === '' ? `exit code ${result.code}` : said;
}

function isSame(a: FileStamp, b: FileStamp): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs;
}

function parseRecord(text: string | undefined): CopyRecord | undefined {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Partial<CopyRecord> | null;
    return value?.schemaVersion === 1 && value.source && value.program ? (value as CopyRecord) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
