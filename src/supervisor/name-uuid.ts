import { createHash } from 'node:crypto';

/** krun's own name space: any UUID will do, as long as it stays. */
const NAME_SPACE = Buffer.from('0d2b36a6e2f34c9b8d0f6c6f0a5d9b11', 'hex');

/** The UUID, version 5, that belongs to a name for ever. */
export function nameUuid(name: string): string {
  const bytes = createHash('sha1').update(NAME_SPACE).update(name).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [8, 12, 16, 20, 32].map((end, index) => hex.slice([0, 8, 12, 16, 20][index], end)).join('-');
}
