import path from 'node:path';
import { quote } from '../base/shell.ts';
import type { Change, Look } from './changes.ts';

/*
 * A virtiofs guest hears nothing of what the host changes. What its own processes do through the share, its kernel
 * tells its watchers, so a process in the guest does something to the file that changes nothing:
 *
 *     chmod to the mode that it has           IN_ATTRIB; and the guest knows the file's times anew, which it may
 *                                             have kept for seconds
 *     touch -m to the time that it has        IN_MODIFY, because only the time of the contents is set
 *
 * For what was created or deleted, the directory gets the same. IN_CREATE, IN_DELETE and IN_MOVED cannot be had: only
 * making and deleting something would fire them, which the host's programs would see.
 */

/** Files whose times are set, each by a process of its own; the rest of a batch is told by IN_ATTRIB alone. */
export const MOST_TOUCHED = 50;

/** Names that one command gets. */
const PORTION = 100;

/** What is to be told about: path in the guest, and its permission bits. */
export interface Touch {
  readonly path: string;
  readonly mode: number;
}

/** What tells a guest of changes below a share. */
export function touchesOf(
  changes: readonly Change[],
  looks: ReadonlyMap<string, Look>,
  share: { readonly source: string; readonly target: string },
): readonly Touch[] {
  const touched = new Set<string>();
  for (const { path: file, type, kind } of changes) {
    if (type !== 'deleted' && kind !== 'link') touched.add(file);
    // A link cannot be touched without its target.
    if ((type !== 'changed' || kind === 'link') && file !== share.source) touched.add(path.dirname(file));
  }
  return [...touched].flatMap((file) => {
    const look = looks.get(file);
    return look
      ? [{ path: path.posix.join(share.target, path.relative(share.source, file)), mode: look.mode }]
      : [];
  });
}

/** The script that does it; whatever cannot be touched is passed over. */
export function touchScript(touches: readonly Touch[]): string {
  const lines = ['exec 2>/dev/null', 'tell() { chmod "$1" "$2" && touch -c -m -r "$2" "$2"; }'];
  // Many at once go first, because they are quick.
  const rest = touches.slice(MOST_TOUCHED);
  for (const mode of new Set(rest.map((touch) => touch.mode))) {
    const names = rest.filter((touch) => touch.mode === mode).map(({ path: file }) => quote(file));
    for (let start = 0; start < names.length; start += PORTION) {
      lines.push(`chmod ${octal(mode)} ${names.slice(start, start + PORTION).join(' ')}`);
    }
  }
  for (const { path: file, mode } of touches.slice(0, MOST_TOUCHED)) {
    lines.push(`tell ${octal(mode)} ${quote(file)}`);
  }
  return [...lines, 'exit 0', ''].join('\n');
}

function octal(mode: number): string {
  return mode.toString(8).padStart(3, '0');
}
