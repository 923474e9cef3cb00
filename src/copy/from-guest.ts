import { lstatSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import type { Writable } from 'node:stream';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { errnoOf, ignoreErrno, systemHint } from '../host/errno.ts';
import type { CopyCount, CopyObserver } from './api.ts';
import { pathOf } from './bytes.ts';
import { type ExtractFailure, extractTar } from './extract.ts';
import { GIVE_OUT } from './guest-scripts.ts';
import { startScript, type RunningScript } from './guest-side.ts';
import { type ParsedPath, parsePath } from './location.ts';
import { repackTar } from './repack.ts';
import { type DestinationFacts, placeCopy, type PlaceKind, type SourceKind } from './rules.ts';
import type { OpenSession } from './session.ts';
import { TarSyntaxError } from './tar-header.ts';
import { writeAll } from './write-all.ts';

/** Where to something of a guest goes: a place on the host, or a stream that gets a tar. */
export type IncomingDestination =
  | { readonly path: string; readonly workingDirectory: string }
  | { readonly stream: Writable };

export interface CopyFromGuest extends CopyObserver {
  /** Path in the guest; a relative one starts from `/`. */
  readonly source: string;
  /** How messages name the source. */
  readonly named: string;
  readonly followsLink: boolean;
  readonly destination: IncomingDestination;
  /** Owners by number as in the guest, as far as the user may; the user otherwise. */
  readonly keepsOwners: boolean;
}

/** Copies out of a guest by the rules of `docker cp`. */
export async function copyFromGuest(
  open: OpenSession,
  copy: CopyFromGuest,
): Promise<Result<CopyCount, Diagnostic>> {
  const source = parsePath(copy.source, '/');
  const mode = source.assertsDirectory ? 'inside' : copy.followsLink ? 'follow' : '';
  const started = await startScript(open, {
    script: GIVE_OUT,
    args: [pathOf(source.path).toString('utf8'), mode],
  });
  if (!started.ok) return started;
  const { session, reply } = started.value;
  const kind = sourceKind(reply, source, copy.named);
  const copied = kind.ok
    ? await take(started.value, { source, kind: kind.value }, copy)
    : err(fault(kind.error));
  if (copied.ok) {
    const failure = await started.value.finish(copy.onNotice);
    return failure === undefined ? copied : err(failure);
  }
  // Of a stream that broke off, its maker knows why.
  const cause =
    copied.error.isStreamBroken && started.value.output.isAtEnd ? await started.value.finish() : undefined;
  session.close();
  return err(cause ?? copied.error.diagnostic);
}

interface FoundSource {
  readonly source: ParsedPath;
  readonly kind: SourceKind;
}

function sourceKind(reply: string, source: ParsedPath, named: string): Result<SourceKind, Diagnostic> {
  switch (reply) {
    case 'found directory':
      return ok(source.meansContents ? 'contents' : 'directory');
    case 'found file':
      return ok('file');
    case 'found missing':
      return refuse(`no file or directory ${named}`);
    case 'found dangling':
      return refuse(`${named} is a symbolic link to nothing`, 'without -L the link itself is copied');
    case 'found other':
      return refuse(`${named} is no directory`);
    case 'found special':
      return refuse(`${named} is no file, directory or symbolic link`);
    default:
      return refuse(`cannot tell where the symbolic link ${named} leads to in the guest`);
  }
}

async function take(
  script: RunningScript,
  found: FoundSource,
  copy: CopyFromGuest,
): Promise<Result<CopyCount, ExtractFailure>> {
  if ('stream' in copy.destination)
    return passOn(script, found, { ...copy, stream: copy.destination.stream });
  const { path, workingDirectory } = copy.destination;
  const parsed = parsePath(path, workingDirectory);
  const facts = destinationFacts(path, parsed, found);
  if (!facts.ok) return err(fault(facts.error));
  const placed = placeCopy(found.kind, found.source.base, facts.value);
  if (!placed.ok) return err(fault(placed.error));
  const { name } = placed.value;
  return extractTar(script.output, {
    directory: facts.value.directory,
    keepsOwners: copy.keepsOwners,
    place: found.kind === 'file' ? onlyFile(name) : below(name),
    ...(copy.onNotice && { onNotice: copy.onNotice }),
    ...(copy.onProgress && { onProgress: copy.onProgress }),
  });
}

type Place = (parts: readonly string[]) => readonly string[] | undefined;

function onlyFile(name: string): Place {
  return (parts) => (parts.length === 1 ? [name] : undefined);
}

function below(name: string): Place {
  return (parts) => (name === '' ? parts : [name, ...parts]);
}

/** The stream with names that begin with the source's own, as a tar of it would have them. */
async function passOn(
  { output }: RunningScript,
  { source, kind }: FoundSource,
  { stream, onNotice, onProgress }: CopyObserver & { readonly stream: Writable },
): Promise<Result<CopyCount, ExtractFailure>> {
  let count: CopyCount = { files: 0, bytes: 0 };
  const rename = (name: string): string => {
    if (kind === 'contents') return name;
    return kind === 'file' ? source.base : name.replace(/^\.(?=\/|$)/, () => source.base);
  };
  const pieces = repackTar(output, {
    rename,
    ...(onNotice && { onNotice }),
    onProgress: (now) => {
      count = now;
      onProgress?.(now);
    },
  });
  try {
    await writeAll(stream, pieces);
    return ok(count);
  } catch (error) {
    if (!(error instanceof TarSyntaxError)) throw error;
    return err({
      diagnostic: errorDiagnostic('io', `the guest's tar stream is broken: ${error.message}`),
      isStreamBroken: true,
    });
  }
}

/** What is known about a destination on the host, and the directory that is written into. */
type HostFacts = DestinationFacts & { readonly directory: string };

function destinationFacts(
  named: string,
  parsed: ParsedPath,
  { source, kind: sourceKind }: FoundSource,
): Result<HostFacts, Diagnostic> {
  try {
    const path = behindLinks(parsed.path);
    const kind = kindOf(path);
    const [parent, base] = split(path);
    const { assertsDirectory } = parsed;
    if (kind === 'directory') {
      const directory = realpathSync(pathOf(path), 'latin1');
      const inside = sourceKind === 'contents' ? 'missing' : kindOf(`${directory}/${source.base}`);
      return ok({ named, kind, assertsDirectory, hasParent: true, base, inside, directory });
    }
    const hasParent = kindOf(behindLinks(parent)) === 'directory';
    const directory = hasParent ? realpathSync(pathOf(parent), 'latin1') : parent;
    return ok({ named, kind, assertsDirectory, hasParent, base, inside: 'missing', directory });
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    const hint = systemHint(code);
    return refuse(`cannot look at ${named}: ${code}`, hint);
  }
}

/** As many links in a row as Linux follows. */
const MOST_LINKS = 40;

/** The place that a link leads to, which need not exist; the path itself where it is no link. */
function behindLinks(path: string): string {
  let place = path;
  for (let count = 0; count < MOST_LINKS; count++) {
    if (!statOf(place)?.isSymbolicLink()) return place;
    const link = readlinkSync(pathOf(place), 'latin1');
    // Not taken apart as text: `..` behind a link to a directory is above that directory.
    place = link.startsWith('/') ? link : `${split(place)[0].replace(/\/$/, '')}/${link}`;
  }
  return place;
}

function kindOf(path: string): PlaceKind {
  const stat = statOf(path);
  if (stat === undefined) return 'missing';
  return stat.isDirectory() ? 'directory' : 'other';
}

/** The place itself and not where it leads to; undefined where there is none, or below a file. */
function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(pathOf(path), { throwIfNoEntry: false });
  } catch (error) {
    ignoreErrno(error, 'ENOTDIR');
    return undefined;
  }
}

function split(path: string): readonly [parent: string, base: string] {
  const end = path.replace(/\/+$/, '');
  const slash = end.lastIndexOf('/');
  return [end.slice(0, slash) || '/', end.slice(slash + 1)];
}

function fault(diagnostic: Diagnostic): ExtractFailure {
  return { diagnostic, isStreamBroken: false };
}

function refuse(message: string, hint?: string): Result<never, Diagnostic> {
  return err(errorDiagnostic('path', message, hint === undefined ? {} : { hint }));
}
