// Programs of the system that tests and demo need, by the Debian package that brings them.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';

const lab = path.resolve(import.meta.dirname, '..', 'test', 'lab', 'lab');

const PROGRAMS = {
  cc: 'gcc',
  busybox: 'busybox-static',
  'mkfs.ext4': 'e2fsprogs',
  'qemu-img': 'qemu-utils',
  passt: 'passt',
  iperf3: 'iperf3',
  ip: 'iproute2',
  'dpkg-deb': 'dpkg',
  tmux: 'tmux',
  inotifywait: 'inotify-tools',
};
/** Only where this machine cannot run microVMs itself. */
const LAB_PROGRAMS = { 'qemu-system-x86_64': 'qemu-system-x86', modprobe: 'kmod', xz: 'xz-utils' };
const LIBRARIES = { 'libcap-ng.so.0': 'libcap-ng0', 'libc.a': 'libc6-dev' };
const LIBRARY_DIRECTORIES = ['/usr/lib', '/lib', '/usr/lib64'].flatMap((directory) => [
  directory,
  `${directory}/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
]);

/** Debian packages that are not there; none on other systems than Linux, which have no such list. */
export function missingPackages() {
  if (process.platform !== 'linux') return [];
  const { stdout } = spawnSync(lab, ['--where'], { encoding: 'utf8' });
  const programs = { ...PROGRAMS, ...(stdout.trim() === 'emulated' ? LAB_PROGRAMS : {}) };
  const directories = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin'];
  const isThere = (name) => directories.some((directory) => isProgram(path.join(directory, name)));
  const isLibrary = (name) => LIBRARY_DIRECTORIES.some((directory) => existsSync(path.join(directory, name)));
  return [
    ...Object.entries(programs).filter(([name]) => !isThere(name)),
    ...Object.entries(LIBRARIES).filter(([name]) => !isLibrary(name)),
  ].map(([, name]) => name);
}

/** Installs what is missing where that is possible without asking: as root, with apt-get. */
export function installPackages() {
  const missing = missingPackages();
  if (missing.length === 0 || process.getuid?.() !== 0) return;
  console.log(`installing ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) =>
    spawnSync('apt-get', ['-q', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env }).status === 0;
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  // Package lists are absent in fresh containers and out of date in old ones.
  if (!apt('update') || !apt(...install)) console.error('the packages could not be installed');
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(error.code)) return false;
    throw error;
  }
}
