import { type OnNotice, type OnProgress } from './api.ts';
import { warningDiagnostic } from '../base/diagnostic.ts';
import type { ByteSource } from './byte-source.ts';
import { shown } from './bytes.ts';
import { encodeHeader, paddedBytes } from './tar-header.ts';
import { readTar } from './tar-read.ts';

export interface RepackOptions {
  /** The name that an entry gets, and that hard links get. */
  readonly rename: (name: string) => string;
  readonly onNotice?: OnNotice;
  readonly onProgress?: OnProgress;
}

/**
 * The same tar stream in the form that every tar reads, other than pax. Devices and pipes are left out. Throws a
 * TarSyntaxError where it is none.
 */
export async function* repackTar(
  source: ByteSource,
  { rename, onNotice, onProgress }: RepackOptions,
): AsyncGenerator<Buffer> {
  let files = 0;
  let bytes = 0;
  for await (const { header, body } of readTar(source)) {
    const { kind, size, linkName } = header;
    if (kind !== 'file' && kind !== 'directory' && kind !== 'symlink' && kind !== 'link') {
      onNotice?.(warningDiagnostic('io', `${shown(header.name)} is no file and is not copied`));
      continue;
    }
    const hasBody = kind === 'file';
    yield encodeHeader({
      ...header,
      name: rename(header.name),
      linkName: kind === 'link' ? rename(linkName) : linkName,
      size: hasBody ? size : 0,
      mtimeSeconds: Math.floor(header.mtimeSeconds),
    });
    if (hasBody) {
      for await (const chunk of body) {
        yield chunk;
        bytes += chunk.length;
        onProgress?.({ files, bytes });
      }
      yield Buffer.alloc(paddedBytes(size) - size);
    }
    if (kind !== 'directory') files++;
    onProgress?.({ files, bytes });
  }
  yield Buffer.alloc(1024);
}
