import { mkdir, mkdtemp, readdir, readFile, rm, cp, writeFile, realpath } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadProject, type LoadResult } from '../../src/config/load.ts';
import { nodeFiles } from '../../src/host/node-files.ts';
import { LINUX_HOST, MAC_HOST } from '../support/host-facts.ts';

const examples = path.resolve(import.meta.dirname, '..', '..', 'examples');
const entries = await readdir(examples, { withFileTypes: true });
/** Beside them are programs, in `api`. */
const names = entries.filter((entry) => entry.isDirectory() && entry.name !== 'api').map(({ name }) => name);

async function load(workingDirectory: string): Promise<LoadResult> {
  const text = await readFile(path.join(workingDirectory, 'krun.yaml'), 'utf8');
  // What macOS alone has is an example for a Mac.
  const host = /driver: (socket_)?vmnet/.test(text) ? MAC_HOST : LINUX_HOST;
  return loadProject(
    {
      workingDirectory,
      files: [],
      envFiles: [],
      environment: {},
      profiles: [],
      hostCpus: 2,
      host,
    },
    nodeFiles(),
  );
}

describe('every example', () => {
  test.each(names)('%s loads without an error, and before anything of it was built', async (name) => {
    const copy = await realpath(await mkdtemp(path.join(os.tmpdir(), 'krun-example-')));
    try {
      await cp(path.join(examples, name), copy, { recursive: true, filter: (file) => !isMade(file) });
      const { project, diagnostics } = await load(copy);
      expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
      expect(Object.keys(project?.machines ?? {})).not.toEqual([]);
    } finally {
      await rm(copy, { recursive: true });
    }
  });

  test('would be found out if it were wrong', async () => {
    const copy = await mkdtemp(path.join(os.tmpdir(), 'krun-example-'));
    try {
      const text = await readFile(path.join(examples, 'hello', 'krun.yaml'), 'utf8');
      await writeFile(path.join(copy, 'krun.yaml'), text.replace('memory:', 'memroy:'));
      expect((await load(copy)).diagnostics.map(({ code }) => code)).toContain('unknown-key');
    } finally {
      await rm(copy, { recursive: true });
    }
  });

  test.each(names)('%s points editors at the schema and is listed in the README', async (name) => {
    const text = await readFile(path.join(examples, name, 'krun.yaml'), 'utf8');
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\.\/\.\.\/schema\/krun\.schema\.json\n/);
    expect(await readFile(path.join(examples, 'README.md'), 'utf8')).toContain(
      `[${name}](${name}/krun.yaml)`,
    );
  });
});

test('the krun.yaml of the README loads without an error', async () => {
  const readme = await readFile(path.resolve(examples, '..', 'README.md'), 'utf8');
  const text = /```yaml\n(# krun\.yaml\n.*?)```/s.exec(readme)?.[1] ?? '';
  const directory = await mkdtemp(path.join(os.tmpdir(), 'krun-readme-'));
  try {
    await writeFile(path.join(directory, 'krun.yaml'), text);
    await mkdir(path.join(directory, 'src'));
    const { project, diagnostics } = await load(directory);
    expect(diagnostics).toEqual([]);
    expect(Object.keys(project?.machines ?? {})).toEqual(['db', 'migrate', 'web']);
  } finally {
    await rm(directory, { recursive: true });
  }
});

/** What a build script leaves behind, and krun's own state. */
function isMade(file: string): boolean {
  return /^(\.krun|rootfs.*|.*\.img.*)$/.test(path.basename(file));
}
