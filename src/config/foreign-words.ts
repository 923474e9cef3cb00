/**
 * Words of docker compose and krunkit that have another name here, or none. `to` is the key of the same place that does
 * the work; `say` is the whole advice where a key alone would not help.
 */
export interface ForeignWord {
  readonly to?: string;
  readonly say: string;
}

/** Advice for an unknown key; `place` is its map's path with `*` for chosen names, such as `machines.*`. */
export function foreignWord(place: string, key: string): ForeignWord | undefined {
  const words = FOREIGN_WORDS[place];
  return words && Object.hasOwn(words, key) ? words[key] : undefined;
}

const renamed = (to: string): ForeignWord => ({ to, say: `write \`${to}\`` });
const advice = (say: string, to?: string): ForeignWord => (to === undefined ? { say } : { to, say });

const OWN_KERNEL = advice('remove it: a machine has a kernel of its own, and its command runs as root there');
const IMAGES_ARE_ROOTS = advice('write `root: { image: ... }`', 'root');
const BOOT = (key: string): ForeignWord => advice(`write \`boot: { ${key}: ... }\``, 'boot');

const NO_BACKENDS = advice(
  "remove it: libkrun's C API takes a backend of one's own as C functions only, which its threads call",
);
const NO_HYPERTHREADING = advice(
  'remove it: libkrun 1.x has no call for it; each virtual CPU is a core, and `cpus` says how many',
  'cpus',
);

const MACHINE_WORDS: Readonly<Record<string, ForeignWord>> = {
  image: IMAGES_ARE_ROOTS,
  rootfs: renamed('root'),
  volumes: advice('write `shares` for host directories and `disks` for disks', 'shares'),
  mounts: advice('write `shares` for host directories and `disks` for disks', 'shares'),
  tmpfs: advice('mount a tmpfs in the command: the guest has a kernel of its own'),
  mem_limit: renamed('memory'),
  mem: renamed('memory'),
  ram: renamed('memory'),
  mem_reservation: advice(
    'remove it: `memory` is the most that the guest can take; the host gives it page by page',
  ),
  memswap_limit: advice('remove it: `memory` is the most that the guest can take'),
  shm_size: advice('remove it: /dev/shm in the guest is limited by `memory` only'),
  cpu_count: renamed('cpus'),
  vcpus: renamed('cpus'),
  hyperthreading: NO_HYPERTHREADING,
  threads_per_core: NO_HYPERTHREADING,
  backend: NO_BACKENDS,
  backends: NO_BACKENDS,
  cpuset: advice('write `cpus` for the number of virtual CPUs', 'cpus'),
  cpu_shares: advice('write `cpus` for the number of virtual CPUs', 'cpus'),
  deploy: advice('write `cpus`, `memory` and `restart` directly in the machine'),
  scale: advice('write one machine for each copy; `extends` or an anchor keeps them short'),
  ulimits: renamed('rlimits'),
  container_name: advice('remove it: the key under `machines` is the name of the machine'),
  workdir: renamed('working_dir'),
  cwd: renamed('working_dir'),
  cmd: renamed('command'),
  args: renamed('command'),
  env: renamed('environment'),
  expose: advice('remove it: machines of one network reach each other without it'),
  links: advice('write `depends_on`', 'depends_on'),
  network_mode: advice(
    'write `networks: [NAME]`, and `driver: none` or `driver: tsi` in that network',
    'networks',
  ),
  mac_address: advice('write `networks: { default: { mac: ... } }`', 'networks'),
  network: renamed('networks'),
  logging: advice('write `logs: { max_size: 10MiB, max_files: 3 }`', 'logs'),
  read_only: advice('write `root: { path: ..., readonly: true }`', 'root'),
  privileged: OWN_KERNEL,
  cap_add: OWN_KERNEL,
  cap_drop: OWN_KERNEL,
  security_opt: OWN_KERNEL,
  sysctls: advice('set it in the guest: a machine has a kernel of its own'),
  init: advice('remove it: libkrun brings an init'),
  labels: advice('write a key that starts with `x-`, which krun ignores'),
  annotations: advice('write a key that starts with `x-`, which krun ignores'),
  bootloader: advice('write `boot: { firmware: efi }`', 'boot'),
  kernel: BOOT('kernel'),
  initrd: BOOT('initrd'),
  cmdline: BOOT('cmdline'),
  firmware: BOOT('firmware'),
  device: advice('write `disks`, `shares`, `networks`, `vsock` or `console`, each a key of its own'),
  devices: advice('write `disks`, `shares`, `networks`, `vsock` or `console`, each a key of its own'),
  'virtio-blk': renamed('disks'),
  'virtio-fs': renamed('shares'),
  'virtio-net': renamed('networks'),
  'virtio-vsock': renamed('vsock'),
  'virtio-serial': advice('write `console: { log: ... }`', 'console'),
  'virtio-gpu': renamed('gpu'),
  'virtio-input': renamed('input'),
  'virtio-rng': advice('remove it: every machine has one'),
  'oem-string': advice('write `smbios: { oem_strings: [...] }`', 'smbios'),
  'krun-log-level': advice('write `libkrun: { log_level: ... }` at the top of the file'),
  'restful-uri': advice('remove it: every machine has a control socket of its own'),
  pidfile: advice('remove it: krun keeps track of the process by itself'),
  log_level: advice('write `libkrun: { log_level: ... }` at the top of the file'),
};

const SHARE_WORDS: Readonly<Record<string, ForeignWord>> = {
  read_only: renamed('readonly'),
  ro: renamed('readonly'),
  src: renamed('source'),
  path: renamed('source'),
  sharedDir: renamed('source'),
  dst: renamed('target'),
  destination: renamed('target'),
  mountTag: renamed('tag'),
  type: advice('remove it: a share is always a host directory; disks go under `disks`'),
  bind: advice('remove it: a share is always a host directory'),
  backend: NO_BACKENDS,
  custom: NO_BACKENDS,
};

/** By the path of the map that the word stands in. */
export const FOREIGN_WORDS: Readonly<Record<string, Readonly<Record<string, ForeignWord>>>> = {
  '': {
    services: advice('machines are listed under `machines`', 'machines'),
    containers: renamed('machines'),
    vms: renamed('machines'),
    volumes: advice(
      'named disks are listed under `disks`; host directories are `shares` of a machine',
      'disks',
    ),
    version: advice('remove it: the file has no version'),
    log_level: advice('write `libkrun: { log_level: ... }`', 'libkrun'),
    'krun-log-level': advice('write `libkrun: { log_level: ... }`', 'libkrun'),
    'restful-uri': advice('remove it: every machine has a control socket of its own'),
    pidfile: advice('remove it: krun keeps track of the processes by itself'),
  },
  'machines.*': MACHINE_WORDS,
  'machines.*.shares[]': SHARE_WORDS,
  'machines.*.disks[]': {
    path: renamed('source'),
    read_only: renamed('readonly'),
    name: renamed('source'),
    size: advice('sizes belong to the disk itself: write `disks: { NAME: { size: ... } }` at the top level'),
  },
  'machines.*.ports[]': {
    target: renamed('guest'),
    container: renamed('guest'),
    published: renamed('host'),
    ip: renamed('host_ip'),
    mode: advice('remove it'),
    app_protocol: advice('remove it'),
  },
  'machines.*.vsock[]': {
    socketURL: renamed('socket'),
    path: renamed('socket'),
    listen: advice('write `direction: listen`: the guest listens', 'direction'),
    connect: advice('write `direction: connect`: the guest connects', 'direction'),
  },
  'machines.*.networks.*': {
    ipv4_address: renamed('ip'),
    ipv6_address: advice('remove it: machines have IPv4 addresses', 'ip'),
    link_local_ips: advice('remove it: a machine has one address on a network'),
    priority: advice('remove it: the first network of the list is eth0'),
    driver_opts: advice('options belong to the network: write them under `networks` at the top level'),
    mac_address: renamed('mac'),
    backend: NO_BACKENDS,
  },
  'machines.*.console': {
    logFilePath: renamed('log'),
    logFile: renamed('log'),
    tty: advice('write `ports: [{ name: ..., tty: PATH }]`', 'ports'),
    backend: NO_BACKENDS,
    custom: NO_BACKENDS,
  },
  'machines.*.console.ports[]': { path: renamed('socket'), backend: NO_BACKENDS, custom: NO_BACKENDS },
  'machines.*.gpu': { shm_size: renamed('shm'), backend: NO_BACKENDS },
  'machines.*.display[]': {
    refresh: renamed('refresh_rate'),
    backend: NO_BACKENDS,
    physical_size: advice('write `width_mm` and `height_mm`', 'width_mm'),
  },
  'machines.*.input[]': {
    path: renamed('device'),
    fd: advice('write `device: /dev/input/event3`: krun opens it', 'device'),
    backend: NO_BACKENDS,
  },
  'machines.*.build': {
    context: advice('write `command`: krun runs a command of yours that makes the root', 'command'),
    dockerfile: advice('write `command`: krun runs a command of yours that makes the root', 'command'),
    args: renamed('environment'),
    cwd: renamed('directory'),
    working_dir: renamed('directory'),
    env: renamed('environment'),
  },
  'machines.*.healthcheck': {
    command: renamed('test'),
    exec: renamed('test'),
    url: renamed('http'),
    port: renamed('tcp'),
    initial_delay: renamed('start_period'),
    period: renamed('interval'),
    failure_threshold: renamed('retries'),
  },
  'machines.*.develop': { sync: advice('write `watch`, a list of rules with `path` and `action`', 'watch') },
  'machines.*.develop.watch[]': {
    source: renamed('path'),
    src: renamed('path'),
    dest: renamed('target'),
    destination: renamed('target'),
    exclude: renamed('ignore'),
    command: renamed('exec'),
  },
  'machines.*.develop.watch[].exec': {
    privileged: advice('remove it: a machine has a kernel of its own', 'user'),
    env: renamed('environment'),
  },
  'machines.*.secrets[]': { name: renamed('source'), path: renamed('target') },
  'machines.*.configs[]': { name: renamed('source'), path: renamed('target') },
  'secrets.*': {
    path: renamed('file'),
    env: renamed('environment'),
    external: advice(
      'write `environment: NAME`, and set it from the store that holds the secret',
      'environment',
    ),
    name: advice('remove it: the key is the name of the secret'),
  },
  'configs.*': {
    path: renamed('file'),
    env: renamed('environment'),
    external: advice('write `file`, `environment` or `content`', 'file'),
    name: advice('remove it: the key is the name of the config'),
  },
  'machines.*.extends': { service: renamed('machine') },
  'machines.*.logs': { 'max-size': renamed('max_size'), 'max-file': renamed('max_files') },
  'disks.*': {
    path: advice('an image file of yours needs no entry here: name it under `disks` of the machine'),
    external: advice('name the image file under `disks` of the machine instead'),
    driver: advice('remove it: a disk is an image file under .krun/'),
    driver_opts: advice('remove it: a disk is an image file under .krun/'),
    name: advice('remove it: the key is the name of the disk'),
    filesystem: renamed('fstype'),
    fs: renamed('fstype'),
    type: renamed('format'),
  },
  'networks.*': {
    type: renamed('driver'),
    path: renamed('socket'),
    unixSocketPath: renamed('socket'),
    ipam: renamed('subnet'),
    external: advice('write `driver: unixgram` or `unixstream` with its `socket`', 'driver'),
    driver_opts: advice('write the options as keys of the network, such as `mtu: 1500`'),
    enable_ipv6: advice('remove it: krun gives machines IPv4 addresses'),
    attachable: advice('remove it: a network belongs to the machines of its project'),
    labels: advice('write a key that starts with `x-`, which krun ignores'),
    internal: advice('write `driver: none` for machines without any network', 'driver'),
    name: advice('remove it: the key is the name of the network'),
  },
};
