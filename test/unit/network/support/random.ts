/** Numbers below a bound that are the same for the same seed (mulberry32). */
export function seeded(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** The bytes in pieces of random lengths, none empty. */
export function cutAtRandom(
  bytes: Buffer,
  random: (bound: number) => number,
  most: number,
): readonly Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + random(most);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}
