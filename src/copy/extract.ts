import type { Diagnostic } from '../base/diagnostic.ts';
import { errorDiagnostic, warningDiagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { errnoOf, systemHint } from '../host/errno.ts';
import type { CopyCount, CopyObserver } from './api.ts';
import type { ByteSource } from './byte-source.ts';
import { shown } from './bytes.ts';
import { ExtractTarget, Refused } from './extract-target.ts';
import { type TarHeader, TarSyntaxError } from './tar-header.ts';
import { readTar, type TarEntry } from './tar-read.ts';

export interface ExtractOptions extends CopyObserver {
  /** Existing directory of the host that nothing leaves; absolute, a byte string. */
  readonly directory: string;
  /** Place of an entry below the directory, from the parts of its name; undefined for an entry that is unexpected. */
  readonly place: (parts: readonly string[]) => readonly string[] | undefined;
  /** Owners as in the stream, where the user may give files away; the user's own otherwise. */
  readonly keepsOwners: boolean;
}

export interface ExtractFailure {
  readonly diagnostic: Diagnostic;
  /** Whether the stream was at fault and not the host: then whoever made it may know more. */
  readonly isStreamBroken: boolean;
}

/**
 * Writes a stream that nobody vouches for to the host: no name leads out of the directory, nothing is written through
 * a symbolic link, and no file gets more rights than its owner had. A file that is there is replaced in one step.
 */
export async function extractTar(
  source: ByteSource,
  options: ExtractOptions,
): Promise<Result<CopyCount, ExtractFailure>> {
  const target = new ExtractTarget(options.directory, options.keepsOwners);
  const count: Count = { files: 0, bytes: 0 };
  let current = '';
  try {
    for await (const entry of readTar(source)) {
      const parts = partsOf(entry.header.name);
      current = shown(entry.header.name);
      const place = options.place(parts);
      if (place === undefined) throw new Refused(`the stream holds ${current}, which was not asked for`);
      if (await write(target, { place, entry, count, options })) count.files++;
      options.onProgress?.({ ...count });
    }
    return ok(count);
  } catch (error) {
    return err(failureOf(error, current));
  } finally {
    for (const message of target.finish()) options.onNotice?.(warningDiagnostic('io', message));
  }
}

interface Count {
  files: number;
  bytes: number;
}

interface Work {
  readonly place: readonly string[];
  readonly entry: TarEntry;
  readonly count: Count;
  readonly options: ExtractOptions;
}

/** Whether it was something that counts as a file. */
async function write(target: ExtractTarget, { place, entry, count, options }: Work): Promise<boolean> {
  const { header, body } = entry;
  switch (header.kind) {
    case 'directory':
      target.directory(place, header);
      return false;
    case 'file':
      await target.file(place, header, counted(body, count, options));
      return true;
    case 'symlink':
      target.symlink(place, header);
      return true;
    case 'link': {
      const first = options.place(partsOf(header.linkName));
      if (first === undefined) throw new Refused(`${shown(header.name)} is a link to what was not asked for`);
      target.link(place, first);
      return true;
    }
    default:
      options.onNotice?.(
        warningDiagnostic('io', `${shown(header.name)} is ${kindName(header)} and is not copied`),
      );
      return false;
  }
}

async function* counted(
  body: AsyncIterable<Buffer>,
  count: Count,
  { onProgress }: ExtractOptions,
): AsyncGenerator<Buffer> {
  for await (const chunk of body) {
    yield chunk;
    count.bytes += chunk.length;
    onProgress?.({ ...count });
  }
}

/** The parts of a name; one that leads upwards is refused, whatever it leads to. */
function partsOf(name: string): readonly string[] {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..'))
    throw new Refused(`the stream holds ${shown(name)}, which leads out of the directory`);
  return parts;
}

function kindName({ kind }: TarHeader): string {
  if (kind === 'fifo') return 'a named pipe';
  return kind === 'other' ? 'of a kind that krun does not know' : 'a device';
}

function failureOf(error: unknown, current: string): ExtractFailure {
  if (error instanceof TarSyntaxError) {
    return {
      diagnostic: errorDiagnostic('io', `the tar stream is broken: ${error.message}`),
      isStreamBroken: true,
    };
  }
  return { diagnostic: writeFailure(error, current), isStreamBroken: false };
}

function writeFailure(error: unknown, current: string): Diagnostic {
  if (error instanceof Refused) {
    return errorDiagnostic('io', error.message, error.hint === undefined ? {} : { hint: error.hint });
  }
  const code = errnoOf(error);
  if (code === undefined) throw error;
  const hint = code === 'EILSEQ' ? 'the file system of the host takes UTF-8 names only' : systemHint(code);
  return errorDiagnostic('io', `cannot write ${current}: ${code}`, hint === undefined ? {} : { hint });
}
