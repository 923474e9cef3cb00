import { closeSync, openSync, readSync, statSync } from 'node:fs';
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
  const hint = `put it back, or say where it is: qemu-img rebase -u -b FILE -F ${known} ${file}`;
  const refusal = (why: string): ImageError =>
    new ImageError(`disk image ${file} stands on ${below}, which ${why}`, hint);
  try {
    if (!canHoldDisk(below)) throw refusal('is neither a file nor a block device');
    return new Qcow2(file, header, bytes, openImage(below, known, depth + 1));
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    throw refusal(`cannot be opened: ${code}`);
  }
}

/** Whether a disk can be in a file at all. It is asked before one is opened: a pipe would wait for its writer. */
export function canHoldDisk(file: string): boolean {
  const kind = statSync(file);
  return kind.isFile() || kind.isBlockDevice();
}

/** The bytes of a file or block device as they are. */
function fileBytes(file: string): DiskBytes {
  closeSync(openSync(file, 'r'));
  return {
    read(offset, length) {
      const bytes = Buffer.alloc(length);
      // A table that leads nowhere.
      if (!Number.isSafeInteger(offset + length)) return bytes;
      try {
        fill(bytes, file, offset);
      } catch (error) {
        const code = errnoOf(error);
        if (code === undefined) throw error;
        throw new ImageError(`disk image ${file} cannot be read: ${code}`, 'check the disk that it is on');
      }
      return bytes;
    },
  };
}

/** Opens it each time: nobody says when an image is not needed any more, and this process becomes the machine. */
function fill(bytes: Buffer, file: string, offset: number): void {
  const fd = openSync(file, 'r');
  try {
    for (let done = 0; done < bytes.length;) {
      const count = readSync(fd, bytes, done, bytes.length - done, offset + done);
      if (count === 0) break;
      done += count;
    }
  } finally {
    closeSync(fd);
  }
}
