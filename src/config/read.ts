import path from 'node:path';
import { errorDiagnostic, type Diagnostic, type Span } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { decodeText } from '../source/decode.ts';
import type { SourceFile } from '../source/source-file.ts';
import type { FileAccess } from './file-access.ts';

/** Stands for the path of a configuration that came through standard input. */
export const STDIN_FILE = '<stdin>';

/** What reading needs and collects. */
export interface ReadContext {
  readonly files: FileAccess;
  /** Every text that was read, by absolute path, for excerpts. */
  readonly texts: Map<string, string>;
  readonly stdin?: Uint8Array | undefined;
  /** Directory that messages show paths from. */
  readonly relativeTo: string;
}

/** Text of a file; `reference` is where a configuration names it. */
export async function readSource(
  context: ReadContext,
  file: string,
  reference?: Span,
): Promise<Result<SourceFile, Diagnostic>> {
  const known = context.texts.get(file);
  if (known !== undefined) return ok({ path: file, text: known });
  const bytes = await readBytes(context, file, reference);
  if (!bytes.ok) return bytes;
  const text = decodeText(file, bytes.value);
  if (!text.ok) return text;
  context.texts.set(file, text.value);
  return ok({ path: file, text: text.value });
}

/** A path as messages show it: relative where that is near. */
export function shownPath(file: string, relativeTo: string): string {
  if (!path.isAbsolute(file)) return file;
  const relative = path.relative(relativeTo, file) || '.';
  return relative.startsWith('../../') ? file : relative;
}

/** An absolute path; `~` stays, because only the one who opens it knows whose home is meant. */
export function absolutePath(directory: string, written: string): string {
  return written === STDIN_FILE || /^~(\/|$)/.test(written) ? written : path.resolve(directory, written);
}

async function readBytes(
  context: ReadContext,
  file: string,
  reference?: Span,
): Promise<Result<Uint8Array, Diagnostic>> {
  if (file === STDIN_FILE && context.stdin) return ok(context.stdin);
  const place = reference ? { span: reference } : {};
  const shown = shownPath(file, context.relativeTo);
  const content = await context.files.readFile(file);
  switch (content.kind) {
    case 'file':
      return ok(content.bytes);
    case 'missing':
      return err(errorDiagnostic('file-not-found', `there is no file \`${shown}\``, place));
    case 'directory':
      return err(
        errorDiagnostic('file-unreadable', `\`${shown}\` is a directory, not a file`, {
          ...place,
          hint: 'name the file inside it',
        }),
      );
    case 'error':
      return err(errorDiagnostic('file-unreadable', `cannot read \`${shown}\`: ${content.message}`, place));
  }
}
