/** One thing that the schema accepts and this version cannot do. */
export interface UnsupportedRule {
  /** Path as in the reference: `*` for a chosen name, `[]` for each item of a list. */
  readonly path: string;
  /** What of it is not supported, where not all of it is; for the reference page. */
  readonly only?: string;
  /** What is not supported yet. */
  readonly sentence: string;
  /** What to use now, where something does the work. */
  readonly instead?: string;
}

/** Every key that is accepted and not done yet. */
export const UNSUPPORTED_RULES: readonly UnsupportedRule[] = [];
