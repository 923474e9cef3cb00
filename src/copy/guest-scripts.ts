/*
 * What runs in the guest, for any POSIX shell. A script first says on standard output what it found, which ends with `/`
 * and a newline as no name does, and then is, or waits for, a tar stream. It decides nothing. Where a tool is missing it
 * says `missing TOOL`.
 */

/** Functions that the scripts begin with. */
export const NEEDS: string = `needs() {
  for tool; do
    command -v "$tool" >/dev/null 2>&1 || { echo "missing $tool/"; exit 127; }
  done
}
kind() {
  if [ -d "$1" ]; then echo directory
  elif [ -e "$1" ] || [ -L "$1" ]; then echo other
  else echo missing
  fi
}
# Goes where the link $path leads to, step by step: readlink -f of some tools wants a target that exists.
follow() {
  hops=40
  while [ -L "$path" ]; do
    needs readlink
    [ $hops -gt 0 ] || { echo unresolved/; exit 1; }
    hops=$((hops - 1))
    link=$(readlink "$path" && echo /) || { echo unresolved/; exit 1; }
    link=\${link%??}
    case $link in
      /*) path=$link ;;
      *) path=\${path%/*}/$link ;;
    esac
    while [ "$path" != "\${path%/}" ]; do path=\${path%/}; done
  done
}
own_kind() {
  if [ -L "$1" ]; then echo other; else kind "$1"; fi
}
`;

/**
 * Takes a stream in. $1: the destination; $2: name of the source, or empty; $3: o for files of who runs it, s for owners
 * as in the stream. Says `found KIND INSIDE PARENT BASE`.
 */
export const TAKE_IN: string = `${NEEDS}
needs tar
path=$1
[ -d "$path" ] || follow
kind=$(kind "$path")
inside=missing
if [ "$kind" = directory ]; then
  directory=$path
  [ -z "$2" ] || inside=$(own_kind "$path/$2")
else
  directory=\${path%/*}
  directory=\${directory:-/}
fi
printf 'found %s %s %s %s/\\n' "$kind" "$inside" "$(kind "$directory")" "\${path##*/}"
[ -d "$directory" ] || exit 1
# GNU tar would make a directory in the place of a link to one: of /lib, say.
case $(tar --version 2>/dev/null) in
  *'GNU tar'*) set -- "$3" --keep-directory-symlink ;;
  *) set -- "$3" ;;
esac
case $1 in
  o) shift && exec tar -x -p -o -f - -C "$directory" "$@" ;;
  *) shift && exec tar -x -p -f - -C "$directory" "$@" ;;
esac`;

/**
 * Gives a stream out. $1: the source; $2: \`follow\` for the target of a link, \`inside\` where only a directory will do.
 * Says \`found KIND\`; the names in the stream begin with \`./\`, and with the source's own name unless it is a directory.
 */
export const GIVE_OUT: string = `${NEEDS}
needs tar
path=$1
if [ "$2" = follow ] && [ -L "$path" ] && ! [ -d "$path" ]; then
  [ -e "$path" ] || { echo 'found dangling/'; exit 1; }
  follow
fi
if [ -d "$path" ] && { [ -n "$2" ] || ! [ -L "$path" ]; }; then
  echo 'found directory/'
  exec tar -c -f - -C "$path" .
fi
if ! [ -e "$path" ] && ! [ -L "$path" ]; then echo 'found missing/'; exit 1; fi
if [ "$2" = inside ]; then echo 'found other/'; exit 1; fi
if ! [ -L "$path" ] && ! [ -f "$path" ]; then echo 'found special/'; exit 1; fi
echo 'found file/'
directory=\${path%/*}
exec tar -c -f - -C "\${directory:-/}" "./\${path##*/}"`;
