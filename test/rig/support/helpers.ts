import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The gvproxy versions that tests run: what Debian ships, which has no `-config`, and the newest release. */
export const GVPROXY_VERSIONS = ['0.8.1', '0.8.9'] as const;
export type GvproxyVersion = (typeof GVPROXY_VERSIONS)[number];

/** Debian's package of trixie, which is unpacked and not installed, so that any distribution can test it. */
const PACKAGES: Readonly<Record<string, { readonly file: string; readonly sha256: string }>> = {
  x64: {
    file: 'gvproxy_0.8.1-3_amd64.deb',
    sha256: '983fca44dd882097cb5cffc953fd98c0aaae12ce0237a9c5e4b111d4a8818398',
  },
  arm64: {
    file: 'gvproxy_0.8.1-3_arm64.deb',
    sha256: '53c7166bd4063884f599d5ad491592dc13510430520025f5847784ad008286a8',
  },
};
const POOL = 'http://deb.debian.org/debian/pool/main/g/golang-github-containers-gvisor-tap-vsocks';
const MODULE = 'github.com/containers/gvisor-tap-vsock/cmd/gvproxy';

const cache = path.join(process.env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'krun-test');
const isRequired = process.env['KRUN_E2E'] === 'required';

/**
 * Path of a gvproxy; undefined where it could not be fetched, so that its tests are skipped. With KRUN_E2E=required
 * that is an error instead.
 */
export function gvproxyPath(version: GvproxyVersion): string | undefined {
  const program = path.join(cache, `gvproxy-${version}`, 'gvproxy');
  if (existsSync(program)) return program;
  if (isRequired) throw new Error(`${program} is missing: the rig project's global set-up fetches it`);
  return undefined;
}

/** Path of a program of a Debian package that the tests use, from the PATH or where only root looks. */
export function programPath(name: 'passt' | 'iperf3' | 'ip' | 'tmux' | 'inotifywait'): string | undefined {
  const found = findProgram(name, ['/usr/sbin', '/sbin']);
  if (!found && isRequired) throw new Error(`${name} is missing: apt-get install ${name}`);
  return found;
}

/** Fetches what is not there yet; a line on stderr for each program that cannot be had here. */
export async function prepareHelpers(): Promise<void> {
  const fetched = { '0.8.1': fromDebian, '0.8.9': fromGo };
  for (const version of GVPROXY_VERSIONS) {
    const directory = path.join(cache, `gvproxy-${version}`);
    if (existsSync(path.join(directory, 'gvproxy'))) continue;
    try {
      await atomically(directory, (work) => fetched[version](work, version));
    } catch (error) {
      const reason = `gvproxy ${version} could not be fetched: ${(error as Error).message.trim()}`;
      if (isRequired) throw new Error(reason, { cause: error });
      console.error(`${reason}; its tests are skipped`);
    }
  }
}

async function fromDebian(directory: string): Promise<void> {
  const entry = process.platform === 'linux' ? PACKAGES[process.arch] : undefined;
  if (!entry) throw new Error(`Debian has none for ${process.platform} on ${process.arch}`);
  const response = await fetch(`${POOL}/${entry.file}`);
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${response.statusText}`);
  const content = Buffer.from(await response.arrayBuffer());
  const sha256 = createHash('sha256').update(content).digest('hex');
  if (sha256 !== entry.sha256) throw new Error(`${response.url} has the checksum ${sha256}`);
  await writeFile(path.join(directory, entry.file), content);
  await run('dpkg-deb', ['-x', entry.file, '.'], { cwd: directory });
  await rename(path.join(directory, 'usr/bin/gvproxy'), path.join(directory, 'gvproxy'));
}

async function fromGo(directory: string, version: string): Promise<void> {
  const go = findProgram('go', ['/usr/local/go/bin']);
  if (!go) throw new Error('Go is not installed (https://go.dev/dl)');
  await run(go, ['install', `${MODULE}@v${version}`], { env: { ...process.env, GOBIN: directory } });
}

function findProgram(name: string, more: readonly string[]): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(path.delimiter), ...more];
  return directories.map((directory) => path.join(directory, name)).find(isProgram);
}

/** Makes a directory in one step, so that no run sees half of one. */
async function atomically(directory: string, fill: (work: string) => Promise<void>): Promise<void> {
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(path.join(cache, 'fetch-'));
  try {
    await fill(work);
    await rename(work, directory);
  } catch (error) {
    // Another run was faster.
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
