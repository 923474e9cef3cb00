import path from 'node:path';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const RULE =
  'a name has 1 to 63 lower-case letters, digits, `-` and `_`, and starts with a letter or a digit';

/** Whether a text can be the name of a project. */
export function isProjectName(text: string): boolean {
  return NAME.test(text);
}

/** Name of a project without `-p` and without `name:`: that of its directory, as far as a name can hold it. */
export function nameOfDirectory(directory: string): Result<string, Diagnostic> {
  const name = path
    .basename(directory)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '')
    .slice(0, 63);
  if (name !== '') return ok(name);
  return err(
    errorDiagnostic('invalid-value', `no project name can be made of the directory \`${directory}\``, {
      hint: 'set `name:` in krun.yaml, or use -p NAME',
    }),
  );
}

/** Refuses a name given by `-p` or KRUN_PROJECT_NAME that is none. */
export function checkGivenName(name: string, source: string): Diagnostic | undefined {
  if (isProjectName(name)) return undefined;
  return errorDiagnostic('usage', `\`${name}\` (${source}) is no project name`, { hint: RULE });
}
