import { openSync, readSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../host/errno.ts';
import { ImageError, type DiskBytes } from './disk-bytes.ts';
import { readQcow2Header } from './qcow2-header.ts';
import { Qcow2 } from './qcow2.ts';

export type ImageFormat = 'raw' | 'qcow2';

/** As long a chain of images as anybody makes; a circle is longer. */
const LONGEST_CHAIN = 16;

/**
 * Opens an image, and those that it is based on, for reading; throws {@link ImageError} or the system's
 * error.
 */
export function openImage(file: string, format: ImageFormat, depth = 0): DiskBytes {
  if (depth > LONGEST_CHAIN)
    throw new ImageError(
      `${file} stands on more than ${LONGEST_CHAIN} images`,
      'merge them: qemu-img convert',
    );
  const bytes = fileBytes(file);
  if (format === 'raw') return bytes;
  const header = readQcow2Header(file, bytes);
  if (header.backing === undefined) return new Qcow2(file, header, bytes);
  const { name, format: backingFormat } = header.backing;
  const known = backingFormat === 'raw' || backingFormat === 'qcow2' ? backingFormat : undefined;
  if (known === undefined)
    throw new ImageError(
      `${file} does not say in a way that krun knows what its backing file ${name} is`,
      `say it: qemu-img rebase -u -b ${name} -F qcow2 ${file} (or -F raw)`,
    );
  const below = path.resolve(path.dirname(file), name);
  try {
    return new Qcow2(file, header, bytes, openImage(below, known, depth + 1));
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    throw new ImageError(
      `disk image ${file} stands on ${below}, which cannot be opened: ${code}`,
      `put it back, or say where it is: qemu-img rebase -u -b FILE -F ${known} ${file}`,
    );
  }
}

/** The bytes of a file or block device as they are. */
function fileBytes(file: string): DiskBytes {
  const fd = openSync(file, 'r');
  return {
    read(offset, length) {
      const bytes = Buffer.alloc(length);
      // A table that leads nowhere.
      if (!Number.isSafeInteger(offset + length)) return bytes;
      for (let done = 0; done < length;) {
        const count = readSync(fd, bytes, done, length - done, offset + done);
        if (count === 0) break;
        done += count;
      }
      return bytes;
    },
  };
}
