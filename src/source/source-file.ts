/** A text with the absolute path that it came from. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** 1-based line and column of an offset. */
export function lineColumn(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  let line = 1;
  for (const character of before) if (character === '\n') line++;
  return { line, column: offset - lineStart + 1 };
}
