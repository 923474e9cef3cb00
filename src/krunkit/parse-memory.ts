import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';

/** krunkit's limit: of the 62 GiB that a guest's addresses reach on macOS, 2 are kept for the GPU. */
const MOST_MIB = 61_440;

const MIB_PER: Readonly<Record<string, number>> = { '': 1, M: 1, G: 1024, T: 1024 ** 2, P: 1024 ** 3 };

/** `2048`, `2048M`, `2G`: MiB, or another binary unit by one letter of either case. */
export function parseMemory(text: string): Result<number, readonly Diagnostic[]> {
  const [, digits, unit = ''] = /^(\d+)([a-z]?)$/i.exec(text) ?? [];
  if (digits === undefined)
    return refused(`\`--memory\` cannot be \`${text}\``, 'write MiB, such as 2048, or a unit: 2048M, 2G');
  const factor = MIB_PER[unit.toUpperCase()];
  if (factor === undefined)
    return refused(`\`--memory ${text}\`: there is no unit \`${unit}\``, 'the units are M (MiB), G, T and P');
  const memoryMiB = Number(digits) * factor;
  if (memoryMiB === 0) return refused('`--memory` cannot be 0', 'write --memory 2G');
  if (memoryMiB > MOST_MIB)
    return refused(`\`--memory ${text}\` is more than krunkit's limit of ${MOST_MIB} MiB (60 GiB)`);
  return ok(memoryMiB);
}

function refused(message: string, hint?: string): Result<never, readonly Diagnostic[]> {
  return err([errorDiagnostic('invalid-value', message, hint === undefined ? {} : { hint })]);
}
