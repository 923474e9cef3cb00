import { createHmac, randomBytes } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { readJsonIfPresent, writeJson } from '../host/atomic-file.ts';
import { errnoOf, systemHint } from '../host/errno.ts';
import { bootId } from '../host/identity.ts';
import type { GuestFile } from '../machine/spec.ts';
import { grantKey, grantsOf, type GrantValues } from '../project/grant-values.ts';
import type { FileGrant, Machine } from '../project/project.ts';
import { formatSize, MEBIBYTE } from '../project/units.ts';
import { ActionFailure } from './failure.ts';

/** They come through a console port and stay in the guest's memory. */
const LARGEST_BYTES = MEBIBYTE;

/** What is known of contents in this boot of the host. */
interface Known {
  readonly bootId: string;
  /** Key of the fingerprints: without it, a short secret could be guessed from its hash. */
  readonly key: string;
  /** As the newest `up` said them. */
  readonly values: GrantValues;
  /** Fingerprints of what each machine's newest run got, by grant. */
  readonly given: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * The contents of secrets and configs: what machines get at a start, and whether that has changed since. Kept in a
 * private file of the runtime directory, so that a later supervisor can start machines too; a reboot forgets them.
 */
export class GrantContents {
  readonly #file: string;
  #known: Promise<Known> | undefined;
  #written: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  /** Takes the values of a request. */
  async learn(values: GrantValues): Promise<void> {
    if (Object.keys(values).length === 0) return;
    await this.#change((known) => ({ ...known, values: { ...known.values, ...values } }));
  }

  /** The files of a machine as they are now, for a run that is about to begin. Throws an {@link ActionFailure}. */
  async give(machine: Machine): Promise<readonly GuestFile[]> {
    const grants = grantsOf(machine);
    if (grants.length === 0) return [];
    const { key, values } = await this.#read();
    const files: GuestFile[] = [];
    const fingerprints: Record<string, string> = {};
    for (const { kind, grant } of grants) {
      const bytes = await contentsOf(kind, grant, values);
      const { target, uid, gid, mode } = grant;
      files.push({ target, uid, gid, mode, contents: bytes.toString('base64') });
      fingerprints[grantKey(kind, grant.name)] = fingerprint(key, bytes);
    }
    await this.#change((known) => ({ ...known, given: { ...known.given, [machine.name]: fingerprints } }));
    return files;
  }

  /** Machines whose newest run got other contents than there are now, with the reason. */
  async changed(machines: readonly Machine[], values: GrantValues): Promise<Record<string, string>> {
    const reasons: Record<string, string> = {};
    const receivers = machines.filter((machine) => grantsOf(machine).length > 0);
    if (receivers.length === 0) return reasons;
    const known = await this.#read();
    for (const machine of receivers) {
      const given = known.given[machine.name];
      const changed =
        given && (await changedGrants(machine, { ...known.values, ...values }, known.key, given));
      if (changed?.length) reasons[machine.name] = `${changed.join(', ')} changed`;
    }
    return reasons;
  }

  /** A project without machines keeps no secrets. */
  async forget(): Promise<void> {
    this.#known = undefined;
    await this.#written;
    await rm(this.#file, { force: true });
  }

  #read(): Promise<Known> {
    this.#known ??= readKnown(this.#file);
    return this.#known;
  }

  /** Changes what is known, one change after the other, and writes it. */
  #change(change: (known: Known) => Known): Promise<void> {
    const known = this.#read().then(change);
    this.#known = known;
    const written = this.#written.then(async () => writeJson(this.#file, await known, { durable: false }));
    // The next write does not care how this one ended; its own caller does.
    this.#written = written.catch(() => undefined);
    return written;
  }
}

async function readKnown(file: string): Promise<Known> {
  const value = await readJsonIfPresent(file);
  const known = typeof value === 'object' && value !== null ? (value as Partial<Known>) : {};
  const { key, values, given } = known;
  if (known.bootId === bootId() && key !== undefined && values && given) {
    return { bootId: known.bootId, key, values, given };
  }
  return { bootId: bootId(), key: randomBytes(32).toString('hex'), values: {}, given: {} };
}

function fingerprint(key: string, bytes: Buffer): string {
  return createHmac('sha256', key).update(bytes).digest('hex');
}

/** `secret token`, for each that is known then and now. */
async function changedGrants(
  machine: Machine,
  values: GrantValues,
  key: string,
  given: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const changed: string[] = [];
  for (const { kind, grant } of grantsOf(machine)) {
    const before = given[grantKey(kind, grant.name)];
    if (before === undefined) continue;
    try {
      if (fingerprint(key, await contentsOf(kind, grant, values)) !== before) {
        changed.push(`${kind.slice(0, -1)} ${grant.name}`);
      }
    } catch (error) {
      // What cannot be read is no reason to stop a machine that has what it needs.
      if (!(error instanceof ActionFailure)) throw error;
    }
  }
  return changed;
}

async function contentsOf(
  kind: 'secrets' | 'configs',
  { name, source }: FileGrant,
  values: GrantValues,
): Promise<Buffer> {
  const what = `${kind.slice(0, -1)} ${name}`;
  if (source.kind === 'file') return fileContents(what, source.path);
  const text = values[grantKey(kind, name)];
  if (text === undefined) {
    throw new ActionFailure(
      `the contents of ${what} are not known any more`,
      'run `krun up`, which reads them',
    );
  }
  return checkedSize(what, Buffer.from(text));
}

async function fileContents(what: string, path: string): Promise<Buffer> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new ActionFailure(`${what}: ${path} is not a file`);
    checkSize(what, found.size);
    return checkedSize(what, await readFile(path));
  } catch (error) {
    if (error instanceof ActionFailure) throw error;
    const code = errnoOf(error);
    if (code === undefined) throw error;
    throw new ActionFailure(`cannot read ${what}: ${path}: ${code}`, systemHint(code));
  }
}

function checkedSize(what: string, bytes: Buffer): Buffer {
  checkSize(what, bytes.length);
  return bytes;
}

function checkSize(what: string, bytes: number): void {
  if (bytes <= LARGEST_BYTES) return;
  throw new ActionFailure(
    `${what} has ${formatSize(bytes)}; the most is ${formatSize(LARGEST_BYTES)}`,
    'share its directory with the machine instead',
  );
}
