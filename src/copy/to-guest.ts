import { lstatSync, realpathSync, statSync, type Stats } from 'node:fs';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { errnoOf, systemHint } from '../host/errno.ts';
import type { CopyCount, CopyObserver } from './api.ts';
import { ByteSource } from './byte-source.ts';
import { pathOf, shown } from './bytes.ts';
import { TAKE_IN } from './guest-scripts.ts';
import { startScript, type RunningScript } from './guest-side.ts';
import { type ParsedPath, parsePath } from './location.ts';
import { packTar } from './pack.ts';
import { repackTar } from './repack.ts';
import { placeCopy, type PlaceKind, type SourceKind } from './rules.ts';
import { send } from './send.ts';
import type { OpenSession } from './session.ts';
import { TarSyntaxError } from './tar-header.ts';

/** What goes into a guest: something of the host, or a tar stream. */
export type OutgoingSource =
  | { readonly path: string; readonly workingDirectory: string; readonly followsLink: boolean }
  | { readonly stream: AsyncIterable<Buffer> };

export interface CopyToGuest extends CopyObserver {
  readonly source: OutgoingSource;
  /** Path in the guest; a relative one starts from `/`. */
  readonly destination: string;
  /** How messages name the destination. */
  readonly named: string;
  /** Owners by number as on the host; root otherwise. */
  readonly keepsOwners: boolean;
}

/** Copies into a guest by the rules of `docker cp`. */
export async function copyToGuest(
  open: OpenSession,
  copy: CopyToGuest,
): Promise<Result<CopyCount, Diagnostic>> {
  const source = 'stream' in copy.source ? streamSource(copy.source.stream) : lookUp(copy.source);
  if (!source.ok) return source;
  const destination = parsePath(copy.destination, '/');
  const name = pathOf(source.value.name).toString('utf8');
  const started = await startScript(open, {
    script: TAKE_IN,
    args: [pathOf(destination.path).toString('utf8'), name, copy.keepsOwners ? 's' : 'o'],
  });
  if (!started.ok) return started;
  const { session, reply } = started.value;
  const placed = place(reply, { source: source.value, destination, named: copy.named });
  if (!placed.ok) {
    session.close();
    return placed;
  }
  const sent = await transfer(started.value, source.value, placed.value.name, copy);
  if (!sent.ok) {
    session.close();
    return sent;
  }
  const failure = await started.value.finish(copy.onNotice);
  return failure === undefined ? sent : err(failure);
}

interface FoundSource {
  readonly kind: SourceKind;
  /** Last part of its name. */
  readonly name: string;
  /** Where it is, links followed as far as they are to be; or the stream itself. */
  readonly from: string | AsyncIterable<Buffer>;
}

function streamSource(stream: AsyncIterable<Buffer>): Result<FoundSource, Diagnostic> {
  return ok({ kind: 'stream', name: '', from: stream });
}

/** Looks at a source on the host. */
function lookUp(source: {
  readonly path: string;
  readonly workingDirectory: string;
  readonly followsLink: boolean;
}): Result<FoundSource, Diagnostic> {
  const parsed = parsePath(source.path, source.workingDirectory);
  const follows = source.followsLink || parsed.assertsDirectory;
  const path = pathOf(parsed.path);
  try {
    const stat = follows ? statSync(path) : lstatSync(path);
    if (parsed.assertsDirectory && !stat.isDirectory()) {
      return err(errorDiagnostic('path', `${source.path} is no directory`));
    }
    if (!stat.isDirectory() && !stat.isFile() && !stat.isSymbolicLink()) {
      return err(errorDiagnostic('path', `${source.path} is no file, directory or symbolic link`));
    }
    const from = follows ? realpathSync(path, 'latin1') : parsed.path;
    return ok({ kind: sourceKind(parsed, stat), name: parsed.base, from });
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      return err(errorDiagnostic('path', `no file or directory ${source.path}`));
    }
    const hint = systemHint(code);
    return err(
      errorDiagnostic('io', `cannot read ${source.path}: ${code}`, hint === undefined ? {} : { hint }),
    );
  }
}

function sourceKind({ meansContents }: ParsedPath, stat: Stats): SourceKind {
  if (!stat.isDirectory()) return 'file';
  return meansContents ? 'contents' : 'directory';
}

interface Wanted {
  readonly source: FoundSource;
  readonly destination: ParsedPath;
  readonly named: string;
}

function place(
  reply: string,
  { source, destination, named }: Wanted,
): Result<{ readonly name: string }, Diagnostic> {
  const [, kind, inside, parent, base] = /^found (\w+) (\w+) (\w+) ([^]*)$/.exec(reply) ?? [];
  if (base === undefined) {
    return err(errorDiagnostic('path', `cannot tell where the symbolic link ${named} leads to in the guest`));
  }
  return placeCopy(source.kind, source.name, {
    named,
    kind: kind as PlaceKind,
    inside: inside as PlaceKind,
    hasParent: parent === 'directory',
    assertsDirectory: destination.assertsDirectory,
    base,
  });
}

async function transfer(
  { session }: RunningScript,
  { from }: FoundSource,
  to: string,
  { keepsOwners, onNotice, onProgress }: CopyToGuest,
): Promise<Result<CopyCount, Diagnostic>> {
  let count: CopyCount = { files: 0, bytes: 0 };
  const observer = {
    ...(onNotice && { onNotice }),
    onProgress: (now: CopyCount) => {
      count = now;
      onProgress?.(now);
    },
  };
  if (typeof from === 'string') {
    let isMissing = false;
    const onMissing = (): void => {
      isMissing = true;
    };
    await send(session, packTar([{ from, to }], { keepsOwners, onMissing, ...observer }));
    return isMissing
      ? err(errorDiagnostic('io', `${shown(from)} was removed while it was copied`))
      : ok(count);
  }
  try {
    await send(session, repackTar(new ByteSource(from), { rename: (name) => name, ...observer }));
    return ok(count);
  } catch (error) {
    if (!(error instanceof TarSyntaxError)) throw error;
    const hint = 'give it what tar -c writes, with gzip or without compression';
    return err(errorDiagnostic('io', `standard input is no tar stream: ${error.message}`, { hint }));
  }
}
