import type { ByteSource } from './byte-source.ts';
import { BLOCK_BYTES, decodeHeader, paddedBytes, type TarHeader, TarSyntaxError } from './tar-header.ts';

/** One entry of a tar stream. */
export interface TarEntry {
  readonly header: TarHeader;
  /** Its contents; what is not read of it is passed over. */
  readonly body: AsyncIterable<Buffer>;
}

/** A long name beyond that is an attack or a broken stream. */
const LONGEST_META_BYTES = 1024 * 1024;

/**
 * Reads ustar, GNU and pax streams; names stay the bytes that they are. Throws a {@link TarSyntaxError} where the
 * stream is none, or ends early. Reads to the end of the stream, also beyond the end mark, so that nobody who writes
 * it is left with a broken pipe.
 */
export async function* readTar(source: ByteSource): AsyncGenerator<TarEntry> {
  let globals: PaxRecords = new Map();
  let pending: Pending = NOTHING_PENDING;
  for (;;) {
    const block = await source.take(BLOCK_BYTES);
    if (block === undefined) throw new TarSyntaxError('the stream ends before its end mark');
    const header = decodeHeader(block);
    if (header === undefined) break;
    switch (header.kind) {
      case 'long-name':
        pending = { ...pending, name: cutAtNul(await readMeta(source, header)) };
        break;
      case 'long-link':
        pending = { ...pending, linkName: cutAtNul(await readMeta(source, header)) };
        break;
      case 'pax':
        pending = { ...pending, pax: parsePax(await readMeta(source, header)) };
        break;
      case 'pax-global':
        globals = new Map([...globals, ...parsePax(await readMeta(source, header))]);
        break;
      default: {
        const complete = withPending(header, pending, globals);
        pending = NOTHING_PENDING;
        const body = new Body(source, hasBody(complete) ? complete.size : 0);
        yield { header: complete, body };
        await body.skip();
      }
    }
  }
  while ((await source.some(Number.MAX_SAFE_INTEGER)) !== undefined);
}

/** What headers before an entry's own say about it. */
interface Pending {
  readonly name?: string;
  readonly linkName?: string;
  readonly pax?: PaxRecords;
}

type PaxRecords = ReadonlyMap<string, string>;

const NOTHING_PENDING: Pending = {};

function withPending(header: TarHeader, pending: Pending, globals: PaxRecords): TarHeader {
  const records: PaxRecords = pending.pax ? new Map([...globals, ...pending.pax]) : globals;
  if (records.size === 0 && pending.name === undefined && pending.linkName === undefined) return header;
  const name = records.get('path') ?? pending.name ?? header.name;
  return {
    ...header,
    kind: header.kind === 'file' && name.endsWith('/') ? 'directory' : header.kind,
    name,
    linkName: records.get('linkpath') ?? pending.linkName ?? header.linkName,
    size: paxNumber(records, 'size') ?? header.size,
    uid: paxNumber(records, 'uid') ?? header.uid,
    gid: paxNumber(records, 'gid') ?? header.gid,
    mtimeSeconds: paxNumber(records, 'mtime') ?? header.mtimeSeconds,
  };
}

function paxNumber(records: PaxRecords, key: string): number | undefined {
  const text = records.get(key);
  if (text === undefined) return undefined;
  const value = Number(text);
  const isFine = key === 'mtime' ? Number.isFinite(value) : Number.isSafeInteger(value) && value >= 0;
  if (text === '' || !isFine) throw new TarSyntaxError(`a header has a ${key} that is no number`);
  return value;
}

/** Some tars give links and directories a size, and no contents. */
function hasBody({ kind }: TarHeader): boolean {
  return kind === 'file' || kind === 'other';
}

async function readMeta(source: ByteSource, { size }: TarHeader): Promise<string> {
  if (size > LONGEST_META_BYTES) throw new TarSyntaxError('a header is longer than 1 MiB');
  const bytes = await source.take(paddedBytes(size));
  if (bytes === undefined) throw new TarSyntaxError('the stream ends inside a header');
  return bytes.toString('latin1', 0, size);
}

/** Lines `LENGTH KEY=VALUE`; the length counts itself, and a value may hold newlines. */
function parsePax(text: string): PaxRecords {
  const records = new Map<string, string>();
  for (let at = 0; at < text.length;) {
    const space = text.indexOf(' ', at);
    const digits = text.slice(at, space);
    const end = at + Number(digits);
    const equals = text.indexOf('=', space);
    const isRecord = space > at && /^\d+$/.test(digits) && end <= text.length && text[end - 1] === '\n';
    if (!isRecord || equals === -1 || equals >= end) throw new TarSyntaxError('a pax header is broken');
    records.set(text.slice(space + 1, equals), text.slice(equals + 1, end - 1));
    at = end;
  }
  return records;
}

function cutAtNul(text: string): string {
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

/** Contents of an entry, each byte once. */
class Body implements AsyncIterable<Buffer> {
  readonly #source: ByteSource;
  #left: number;
  #padding: number;

  constructor(source: ByteSource, size: number) {
    this.#source = source;
    this.#left = size;
    this.#padding = paddedBytes(size) - size;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    while (this.#left > 0) {
      const chunk = await this.#source.some(this.#left);
      if (chunk === undefined) throw new TarSyntaxError('the stream ends inside a file');
      this.#left -= chunk.length;
      yield chunk;
    }
  }

  async skip(): Promise<void> {
    this.#left += this.#padding;
    this.#padding = 0;
    while (this.#left > 0) {
      const chunk = await this.#source.some(this.#left);
      if (chunk === undefined) throw new TarSyntaxError('the stream ends inside a file');
      this.#left -= chunk.length;
    }
  }
}
