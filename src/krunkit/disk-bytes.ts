/** What a guest would read from a disk, at any place; a place behind the end is zeros. */
export interface DiskBytes {
  read(offset: number, length: number): Buffer;
}

/** An image that is not what it is said to be, or that krun cannot look into; the message names it. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}
