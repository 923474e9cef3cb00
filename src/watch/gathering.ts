/** So long nothing may change before a cycle begins: editors write files in several steps. */
export const QUIET_MS = 200;

/** So long a file that changes all the time can hold a cycle back. */
export const LONGEST_DELAY_MS = 2000;

/** When changes that wait for a cycle came. */
export interface Gathering {
  readonly firstMs: number;
  readonly lastMs: number;
}

export function gather(gathering: Gathering | undefined, nowMs: number): Gathering {
  return { firstMs: gathering?.firstMs ?? nowMs, lastMs: nowMs };
}

/** How long changes are gathered. */
export interface Patience {
  readonly quietMs: number;
  readonly longestMs: number;
}

const USUAL: Patience = { quietMs: QUIET_MS, longestMs: LONGEST_DELAY_MS };

/** When the cycle may begin. */
export function dueAt({ firstMs, lastMs }: Gathering, patience: Patience = USUAL): number {
  return Math.min(lastMs + patience.quietMs, firstMs + patience.longestMs);
}
