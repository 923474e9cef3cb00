/** One thing of the original that krun.yaml does not say, or says with another meaning. */
export interface Note {
  /** Line of the original, from 1, where the original is a file. */
  readonly line?: number;
  /** What it is about: `services.web.privileged`, or the option as it was written. */
  readonly about: string;
  /** Why, and what to do. */
  readonly text: string;
}

/** A krun.yaml made of something else. */
export interface Conversion {
  /** Text of krun.yaml. */
  readonly yaml: string;
  /** In the order of the original. */
  readonly notes: readonly Note[];
}

/** The notes as lines for a person. */
export function noteLines(notes: readonly Note[]): readonly string[] {
  const places = notes.map(({ line, about }) => (line === undefined ? about : `line ${line}: ${about}`));
  return notes.map(({ text }, index) => `  ${places[index]}\n      ${text}`);
}
