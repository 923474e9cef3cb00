import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readJsonIfPresent, writeJson } from '../host/atomic-file.ts';
import { unlessMissing } from '../host/errno.ts';
import { canonicalJson } from '../project/hash.ts';
import type { Build, Machine, Project } from '../project/project.ts';
import { bootFile, rootKey } from '../project/shared-builds.ts';
import type { Layout } from '../store/layout.ts';
import { inputFiles } from './glob.ts';
import { diskPath } from './machine-spec.ts';

/** `builds/<root>.json`: what the last build of a root that succeeded was made from. */
export interface BuildFingerprint {
  /** SHA-256 of command, directory and environment: the environment may hold secrets. */
  readonly command: string;
  /** By absolute path. */
  readonly files: Readonly<Record<string, FileFingerprint>>;
}

interface FileFingerprint {
  /** SHA-256 of the contents. */
  readonly hash: string;
  /** Size, times and inode; while they stay, the contents are not read again. */
  readonly stat: string;
}

/** Machines of the project whose build has to run, with the reason. */
export async function staleBuilds(layout: Layout, project: Project): Promise<Record<string, string>> {
  const stale: Record<string, string> = {};
  for (const machine of Object.values(project.machines)) {
    const reason = machine.build && (await staleReason(layout, machine, machine.build));
    if (reason !== undefined) stale[machine.name] = reason;
  }
  return stale;
}

/** Reads the inputs of a build as they are now. */
export async function fingerprint(layout: Layout, machine: Machine, build: Build): Promise<BuildFingerprint> {
  const known = await readFingerprint(layout, machine);
  const paths = new Set<string>();
  const made = madePath(layout, machine);
  for (const input of build.inputs) {
    for (const file of await inputFiles(input, made === undefined ? [] : [made])) paths.add(file);
  }
  const files: Record<string, FileFingerprint> = {};
  for (const file of [...paths].toSorted()) {
    const found = await fileFingerprint(file, known?.files[file]);
    if (found) files[file] = found;
  }
  const { command, directory, environment } = build;
  const hash = createHash('sha256').update(canonicalJson({ command, directory, environment }));
  return { command: hash.digest('hex'), files };
}

export function writeFingerprint(layout: Layout, machine: Machine, made: BuildFingerprint): Promise<void> {
  return writeJson(fingerprintFile(layout, machine), made);
}

/** Output of a machine's builds. */
export function buildLogFile(layout: Layout, machine: string): string {
  return path.join(layout.buildsDirectory, `${machine}.log`);
}

async function staleReason(layout: Layout, machine: Machine, build: Build): Promise<string | undefined> {
  const before = await readFingerprint(layout, machine);
  if (!before) return 'never built';
  const made = madePath(layout, machine);
  if (made !== undefined && (await unlessMissing(stat(made))) === undefined)
    return `${relative(layout, made)} does not exist`;
  const now = await fingerprint(layout, machine, build);
  if (before.command !== now.command) return 'build command changed';
  for (const [file, { hash }] of Object.entries(now.files)) {
    const old = before.files[file];
    if (!old) return `input ${relative(layout, file)} is new`;
    if (old.hash !== hash) return `input ${relative(layout, file)} changed`;
  }
  const gone = Object.keys(before.files).find((file) => now.files[file] === undefined);
  return gone === undefined ? undefined : `input ${relative(layout, gone)} is gone`;
}

async function fileFingerprint(
  file: string,
  known: FileFingerprint | undefined,
): Promise<FileFingerprint | undefined> {
  const found = await unlessMissing(stat(file, { bigint: true }));
  if (!found) return undefined;
  const text = [found.size, found.mtimeNs, found.ctimeNs, found.ino, found.mode].join(' ');
  if (known?.stat === text) return known;
  const hash = createHash('sha256').update(`${found.mode & 0o111n}\0`);
  await pipeline(createReadStream(file), hash);
  return { hash: hash.digest('hex'), stat: text };
}

async function readFingerprint(layout: Layout, machine: Machine): Promise<BuildFingerprint | undefined> {
  const value = await readJsonIfPresent(fingerprintFile(layout, machine));
  return (value as BuildFingerprint | null | undefined) ?? undefined;
}

/** Named for the root, because machines share it; a hash, because a path is no file name. */
function fingerprintFile(layout: Layout, machine: Machine): string {
  const name = createHash('sha256').update(rootKey(machine)).digest('hex').slice(0, 12);
  return path.join(layout.buildsDirectory, `${name}.json`);
}

/** What the build makes; it is not an input of itself. Nothing, where a machine names no such file. */
function madePath(layout: Layout, { root, boot }: Machine): string | undefined {
  if (root.kind === 'none') return bootFile(boot);
  return root.kind === 'directory' ? root.path : diskPath(layout, root.disk);
}

function relative(layout: Layout, file: string): string {
  const inside = path.relative(layout.projectDirectory, file);
  return inside.startsWith('..') ? file : inside;
}
