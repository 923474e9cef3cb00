import { err, ok, type Result } from '../base/result.ts';
import { type Location, parseLocation } from '../copy/location.ts';

type Elsewhere = Exclude<Location, { readonly kind: 'guest' }>;

/** What is copied from where to where: one side is a path in a machine. */
export type CopyDirection = {
  readonly machine: string;
  /** Path in the guest. */
  readonly path: string;
} & ({ readonly to: Elsewhere } | { readonly from: Elsewhere });

/** What is wrong with the two sides. */
export interface CopyMistake {
  readonly message: string;
  readonly hint?: string;
}

/** Whether krun's own streams are terminals, which know no tar. */
export interface Terminals {
  readonly stdinIsTty: boolean;
  readonly stdoutIsTty: boolean;
}

const SIDES_HINT = 'a path in a machine is MACHINE:PATH, one of the host with a colon begins with / or .';

/** Reads the arguments of `krun cp`. */
export function copyDirection(
  source: string,
  destination: string,
  { stdinIsTty, stdoutIsTty }: Terminals,
): Result<CopyDirection, CopyMistake> {
  const from = readSide(source);
  if (!from.ok) return from;
  const to = readSide(destination);
  if (!to.ok) return to;
  if (from.value.kind === 'guest') {
    if (to.value.kind === 'guest') {
      return err({
        message: 'both sides are in machines',
        hint: 'copy to the host first, or through a pipe (-)',
      });
    }
    if (to.value.kind === 'stream' && stdoutIsTty) {
      return err({ message: 'a terminal cannot show a tar stream', hint: 'send it into a file or a pipe' });
    }
    const { machine, path } = from.value;
    return ok({ machine, path, to: to.value });
  }
  if (to.value.kind !== 'guest') return err({ message: 'neither side is in a machine', hint: SIDES_HINT });
  if (from.value.kind === 'stream' && stdinIsTty) {
    return err({ message: 'a terminal gives no tar stream', hint: 'take it from a file or a pipe' });
  }
  const { machine, path } = to.value;
  return ok({ machine, path, from: from.value });
}

function readSide(text: string): Result<Location, CopyMistake> {
  if (text === '') return err({ message: 'a path is empty', hint: SIDES_HINT });
  // What Node makes of bytes that are no text.
  if (text.includes('\uFFFD')) {
    return err({ message: `${text} is not UTF-8`, hint: 'copy the directory that it is in' });
  }
  const location = parseLocation(text);
  if (location.kind === 'guest' && location.machine === '') {
    return err({ message: `no machine before the colon of ${text}`, hint: SIDES_HINT });
  }
  if (location.kind === 'guest' && location.path === '') {
    return err({ message: `no path behind the colon of ${text}`, hint: `${text}/ is all of it` });
  }
  return ok(location);
}
