/** So soon after a cycle a change may be the cycle's own doing. */
export const ECHO_MS = 2000;

/** So many cycles in a row that are followed by a change of the same file are no accident. */
export const MOST_ECHOES = 5;

/** What is known of one rule's cycles. */
export interface LoopWatch {
  /** Files that changed before each cycle of the row. */
  readonly files: readonly string[];
  /** End of the last cycle. */
  readonly endedMs: number;
  /** Cycles of the row that came so soon after the one before. */
  readonly echoes: number;
}

/** A cycle of a rule: what made it begin, and when. */
export interface LoopCycle {
  readonly files: readonly string[];
  /** The first of the changes. */
  readonly changedMs: number;
}

/** The row with a further cycle, whose end is not known yet. */
export function countEchoes(before: LoopWatch | undefined, { files, changedMs }: LoopCycle): LoopWatch {
  const again = before === undefined ? [] : before.files.filter((file) => files.includes(file));
  const isEcho = before !== undefined && again.length > 0 && changedMs <= before.endedMs + ECHO_MS;
  return isEcho
    ? { files: again, endedMs: Infinity, echoes: before.echoes + 1 }
    : { files, endedMs: Infinity, echoes: 0 };
}

/** The file by which a rule drives itself. */
export function loopingFile({ files, echoes }: LoopWatch): string | undefined {
  return echoes >= MOST_ECHOES ? files[0] : undefined;
}
