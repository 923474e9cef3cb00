import { commandLine } from '../../base/shell.ts';

/**
 * Becomes the login shell of the user that it runs as, in the directory of its first argument or as near as it gets.
 * Builtins only: a root may have nothing but a shell.
 */
const SCRIPT = `
uid=
while read -r key real _; do
  case $key in Uid:) uid=$real; break ;; esac
done </proc/self/status
shell=
if [ -r /etc/passwd ]; then
  while IFS=: read -r name _ id _ _ home login; do
    [ "$id" = "$uid" ] || continue
    shell=$login
    export USER="$name" LOGNAME="$name"
    [ -n "$home" ] && export HOME="$home"
    break
  done </etc/passwd
fi
case $shell in */nologin | */false) shell= ;; esac
for shell in "$shell" /bin/bash /usr/bin/bash /bin/sh; do
  [ -n "$shell" ] && [ -x "$shell" ] && break
done
export SHELL="$shell"
if [ -n "$1" ]; then
  cd -- "$1" || cd || cd /
fi
shift
[ $# -eq 0 ] && exec "$shell" -l
exec "$shell" -l -c "$1"
`;

/** The command that starts a user's login shell in a guest; with words, it runs them and ends. */
export function loginShell(
  directory: string | undefined,
  command: readonly string[],
): readonly [string, ...string[]] {
  const words = command.length === 0 ? [] : [commandLine(command)];
  return ['/bin/sh', '-c', SCRIPT, 'krun', directory ?? '', ...words];
}
