import { quote } from '../base/shell.ts';
import { NEEDS } from './guest-scripts.ts';

/*
 * A sync changes nothing in the target before all of it has come: the stream is unpacked into a directory of its own
 * on the same file system, and then renamed into place, file for file - or a new directory as a whole. So nobody ever
 * reads half a file, and a stream that breaks off, or a full disk, leaves the target as it was.
 *
 * What is to be done comes in the stream itself, as a script: names never stand on a command line of the host's, and
 * of what the guest's own tools get there are never too many.
 */

/** Where the stream has the files, and the script. */
export const TREE = 'tree';
export const APPLY = 'apply';

/** $1: the target; $2: a word that is used once. Beside the target, whose watchers are to see the files only. */
export const TAKE_SYNC: string = `${NEEDS}
needs tar mkdir mv rm
mkdir -p "$1" || { echo untouched/; exit 1; }
cd "$1" && target=$(pwd -P && echo /) || { echo untouched/; exit 1; }
target=\${target%??}
beside=\${target%/*}/.krun-sync-$2
# A mount point is a file system of its own; what it is called may be written otherwise in the list.
case $target in
  '' | *[!0-9A-Za-z._/@+=:,-]*) beside=./.krun-sync-$2 ;;
  *)
    while read -r _ point _; do
      [ "$point" != "$target" ] || beside=./.krun-sync-$2
    done </proc/self/mounts
    ;;
esac 2>/dev/null
for stage in "$beside" "./.krun-sync-$2"; do
  mkdir -m 700 "$stage" 2>/dev/null && break
done
[ -d "$stage" ] || { echo untouched/; exit 1; }
case $stage in ./*) stage=$PWD/\${stage#./} ;; esac
trap 'rm -rf "$stage"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
failed=0
exists() { [ -e "$1" ] || [ -L "$1" ]; }
# Some rm complain about a name below a file, which is as gone as can be; what stays is named in a second try.
remove() {
  rm -rf -- "$@" 2>/dev/null && return
  for name; do
    if exists "$name"; then rm -rf -- "$name" || failed=1; fi
  done
}
# A directory of the tree: one that the target lacks is taken over as a whole.
enter() {
  [ -d "$stage/${TREE}/$1" ] || return 0
  [ ! -d "$1" ] || return 0
  if exists "$1"; then rm -f -- "$1" || failed=1; fi
  mv -- "$stage/${TREE}/$1" "$1" || failed=1
}
# Files of the tree in the directory $1.
files() {
  directory=$1
  shift
  [ -d "$stage/${TREE}/$directory" ] || return 0
  for name; do
    if [ -d "$directory/$name" ] && [ ! -L "$directory/$name" ]; then rm -rf -- "$directory/$name" || failed=1; fi
  done
  # The shell would take long to put something in front of each name.
  cd "$stage/${TREE}/$directory" && mv -f -- "$@" "$target/$directory/" || failed=1
  cd "$target" || exit
}
echo ready/
tar -x -p -o -f - -C "$stage" || exit
. "$stage/${APPLY}"
exit $failed`;

/** What a sync does once all is there. Names are byte strings, below the target. */
export interface SyncPlan {
  readonly deleted: readonly string[];
  /** Parents first; empty for the target itself. */
  readonly directories: readonly SyncDirectory[];
}

export interface SyncDirectory {
  readonly path: string;
  /** Names of files and links in it. */
  readonly names: readonly string[];
}

/** Names on one command line of the guest's; some systems take 128 KiB, the environment among them. */
const MOST_NAMES_BYTES = 32 * 1024;

/** The script that comes in the stream. */
export function applyScript({ deleted, directories }: SyncPlan): string {
  const lines: string[] = [];
  for (const names of portions(deleted.map((name) => `./${name}`))) lines.push(`remove ${names.join(' ')}`);
  for (const { path, names } of directories) {
    const directory = path === '' ? '.' : `./${path}`;
    if (path !== '') lines.push(`enter ${quote(directory)}`);
    for (const some of portions(names)) lines.push(`files ${quote(directory)} ${some.join(' ')}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

function* portions(names: readonly string[]): Generator<readonly string[]> {
  let portion: string[] = [];
  let bytes = 0;
  for (const name of names) {
    const word = quote(name);
    if (portion.length > 0 && bytes + word.length > MOST_NAMES_BYTES) {
      yield portion;
      [portion, bytes] = [[], 0];
    }
    portion.push(word);
    bytes += word.length;
  }
  if (portion.length > 0) yield portion;
}
