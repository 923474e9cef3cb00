import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { libraryCacheDirectory } from '../../../src/store/layout.ts';
import type { TestContext } from 'vitest';
import { createProject, type Rig } from '../../rig/support/rig.ts';
import { evidence } from '../../rig/support/evidence.ts';

const run = promisify(execFile);

const root = path.resolve(import.meta.dirname, '..', '..', '..');

/** Emulated, one command takes seconds and a boot up to half a minute where several machines share two processors. */
const TIMEOUT_MS = 200_000;

/** A line of `krun ps --format json`, as far as the tests look at it. */
export interface PsLine {
  readonly name: string;
  readonly status: string;
  readonly exitCode: number | null;
  readonly reason?: string;
  readonly run: number;
  readonly restarts: number;
  readonly createdAt: string;
}

/**
 * A project run by the built `bin/krun` with the real libkrun; starts as a copy of an example where one is named. If the
 * test fails, what guests and helpers said is written out.
 */
export async function createMachines(
  context: Pick<TestContext, 'onTestFailed'>,
  options: {
    readonly example?: string;
    readonly files?: Readonly<Record<string, string>>;
    readonly env?: Readonly<Record<string, string>>;
    /** Number of the user that everything runs as and belongs to; needs root. */
    readonly uid?: number;
  } = {},
): Promise<Rig> {
  const { example, ...rest } = options;
  const program = process.env['KRUN_TEST_PROGRAM'] ?? path.join(root, 'bin', 'krun');
  const project = await createProject(program, { ...rest, timeoutMs: TIMEOUT_MS });
  // The project index is the test's own; the libraries that setting up the clone may have installed are shared.
  const data = path.join(project.base, 'd', 'krun');
  await mkdir(data);
  const libraries = libraryCacheDirectory(process.env);
  // Another user cannot look into this one's home.
  if (options.uid !== undefined && existsSync(libraries)) {
    await cp(libraries, path.join(data, 'runtime'), { recursive: true, verbatimSymlinks: true });
  } else await symlink(libraries, path.join(data, 'runtime'));
  const source = path.join(root, 'examples', example ?? 'hello');
  const isMade = (file: string): boolean => /^(\.krun|rootfs.*|.*\.img.*)$/.test(path.basename(file));
  await cp(source, project.directory, {
    recursive: true,
    // A project without example only needs the script that makes a root.
    filter: (file) => !isMade(file) && (example !== undefined || path.basename(file) !== 'krun.yaml'),
  });
  // At its usual level libkrun does not say why a guest ended.
  await project.write('krun.override.yaml', 'libkrun: { log_level: info }\n');
  if (options.uid !== undefined) await run('chown', ['-R', `${options.uid}:${options.uid}`, project.base]);
  let told = '';
  context.onTestFailed(() => console.error(told));
  const dispose = project[Symbol.asyncDispose].bind(project);
  project[Symbol.asyncDispose] = async () => {
    told = await evidence(project.directory);
    await dispose();
  };
  return project;
}

/** All machines of the project, by name. */
export async function ps(project: Rig): Promise<Readonly<Record<string, PsLine>>> {
  const lines = (await project.ok(['ps', '-a', '--format', 'json']))
    .split('\n')
    .filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => JSON.parse(line) as PsLine).map((line) => [line.name, line]));
}
