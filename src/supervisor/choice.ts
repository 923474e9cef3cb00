import { createHash } from 'node:crypto';

/**
 * All numbers from `first` to `last`, each once, from a place that depends only on the key: what krun chooses is the
 * same wherever nothing is in its way, and names rarely get in each other's.
 */
export function* stableOrder(key: string, first: number, last: number): Generator<number> {
  const size = last - first + 1;
  if (size < 1) return;
  const start = createHash('sha256').update(key).digest().readUInt32BE(0) % size;
  for (let step = 0; step < size; step += 1) yield first + ((start + step) % size);
}
