/** A file that `krun init` writes. */
export interface StarterFile {
  readonly name: string;
  readonly text: string;
  readonly executable: boolean;
}

/** Files of a project with one machine; the scripts come first, so that a krun.yaml never names what is missing. */
export function starterFiles(name: string): readonly StarterFile[] {
  return [
    { name: 'mkroot.sh', text: MKROOT, executable: true },
    { name: 'krun.yaml', text: krunYaml(name), executable: false },
  ];
}

/** A valid project name made of a directory's name. */
export function starterName(directory: string): string {
  const name = directory
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '');
  return name === '' ? 'hello' : name;
}

function krunYaml(name: string): string {
  return `# A krun project: 'krun up' boots it, 'krun down' removes it.
name: ${/^\d+$/.test(name) ? `"${name}"` : name}

machines:
  hello:
    cpus: 1
    memory: 256MiB
    # Makes ./rootfs before the first start, and again when the script changes.
    build: { command: [./mkroot.sh], inputs: [mkroot.sh] }
    root: ./rootfs
    # $$ is a dollar sign for the guest; $NAME would be a variable of the host.
    command:
      - /bin/sh
      - -c
      - 'echo "Hello from $$(uname -srm)"; while :; do date; sleep 5; done'
`;
}

const MKROOT = `#!/bin/sh
# Makes ./rootfs: the smallest Linux root that krun can boot, busybox and nothing else.
set -eu

fail() {
  echo "mkroot.sh: $*" >&2
  exit 1
}

root=rootfs.new
rm -rf "$root"
mkdir -p "$root/bin" "$root/dev" "$root/etc" "$root/proc" "$root/run" "$root/sys" "$root/tmp"

# copy_libraries FILE: a busybox that is not static needs its libraries too.
copy_libraries() {
  ldd "$1" 2>/dev/null | sed -n 's/^[^/]*\\(\\/[^ ]*\\).*/\\1/p' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done
}

busybox=\${BUSYBOX:-$(command -v busybox || true)}
if [ "$(uname -s)" = Linux ] && [ -n "$busybox" ]; then
  cp -L "$busybox" "$root/bin/busybox"
  copy_libraries "$busybox"
  for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"
  done
elif engine=$(command -v podman || command -v docker); then
  container=$("$engine" create docker.io/library/busybox:stable)
  "$engine" export "$container" | tar -x -C "$root"
  "$engine" rm "$container" >/dev/null
else
  fail "no busybox here: install it (Debian: apt install busybox-static), or podman, or docker"
fi

echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
rm -rf rootfs
mv "$root" rootfs
`;
