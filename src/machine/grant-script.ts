import { quote } from '../base/shell.ts';
import type { GuestFile } from './spec.ts';

/**
 * The part of the guest's script that makes secrets and configs: files in memory. A directory that has nothing else
 * becomes a file system in memory; elsewhere a file is mounted over that of the root. `:` is in a subshell, because a
 * redirection of it that fails ends the shell.
 */
export const GRANT_FUNCTIONS: string = `
krun_place() {
  krun_mask=$(umask)
  umask 022
  krun_l=\${1%/*}
  case "$krun_places:" in *":$krun_l:"*) krun_file=$1; return ;; esac
  krun_n=$((krun_n + 1)) krun_file=$krun_run/krun.file$krun_n
  krun_out=$(mkdir -p "$krun_l/" 2>&1) || krun_fail 125 "cannot make the directory $krun_l: $krun_out"
  case $krun_l in
  /*/*) ;;
  *) return ;;
  esac
  case $krun_l in /var/tmp | /dev/*) return ;; esac
  krun_is_empty "$krun_l" || return 0
  krun_out=$(mount -t tmpfs -o mode=0755 krun "$krun_l" 2>&1) || krun_fail 125 "cannot mount a tmpfs at $krun_l: $krun_out"
  krun_places=$krun_places:$krun_l krun_file=$1
}
krun_is_empty() {
  for krun_p in "$1"/* "$1"/.[!.]*; do
    [ ! -e "$krun_p" ] && [ ! -L "$krun_p" ] || return 1
  done
}
krun_own() {
  umask "$krun_mask"
  krun_out=$({ chown "$3" "$krun_file" && chmod "$2" "$krun_file"; } 2>&1) || krun_fail 125 "cannot make $1: $krun_out"
  [ "$krun_file" != "$1" ] || return 0
  [ -e "$1" ] || (: >"$1") 2>/dev/null || krun_fail 125 "cannot make the file $1"
  krun_out=$(mount -o bind "$krun_file" "$1" 2>&1) || krun_fail 125 "cannot mount over $1: $krun_out"
}
`;

/** Lines that make the files. */
export function grantLines(files: readonly GuestFile[]): readonly string[] {
  if (files.length === 0) return [];
  return [
    'for krun_p in mkdir mount chown chmod; do krun_need "$krun_p"; done',
    'krun_n=0 krun_places=',
    ...files.flatMap(({ target, uid, gid, mode, contents }) => [
      `krun_place ${quote(target)}`,
      'umask 077',
      `{ ${printLines(Buffer.from(contents, 'base64')).join('; ')}; } >"$krun_file"`,
      `krun_own ${quote(target)} ${mode.toString(8).padStart(4, '0')} ${uid}:${gid}`,
    ]),
  ];
}

/** Bytes in one command; a line of a script should not be endless. */
const PIECE_BYTES = 1024;

/** Commands that print the bytes, whatever they are: a shell cannot hold a NUL. */
function printLines(bytes: Buffer): readonly string[] {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    const piece = bytes.subarray(start, start + PIECE_BYTES);
    lines.push(`printf ${quote(Array.from(piece, escapeByte).join(''))}`);
  }
  return lines.length === 0 ? [':'] : lines;
}

function escapeByte(byte: number): string {
  const isPlain =
    (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
  return isPlain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
}
