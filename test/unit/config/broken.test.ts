import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasErrors } from '../../../src/base/diagnostic.ts';
import { loadProject } from '../../../src/config/load.ts';
import { nodeFiles } from '../../../src/host/node-files.ts';
import { renderDiagnostics } from '../../../src/view/diagnostics.ts';
import type { HostFacts } from '../../../src/project/host-facts.ts';
import type { HelperName } from '../../../src/project/project.ts';
import { hostWith, LINUX_HOST } from '../../support/host-facts.ts';

/*
 * Each directory of test/fixtures/broken is a project with mistakes of one kind; its expected.txt is what
 * `krun validate` prints about it, on the host that its host.json describes, or else on Linux with all helpers. `npx vitest run -u` writes these files anew: read every line of the difference.
 */
const fixtures = path.resolve(import.meta.dirname, '../../fixtures/broken');
const cases = readdirSync(fixtures).filter((name) => name !== 'rootfs');

function hostOf(directory: string): HostFacts {
  const file = path.join(directory, 'host.json');
  if (!existsSync(file)) return LINUX_HOST;
  const { helpers, ...more } = JSON.parse(readFileSync(file, 'utf8')) as Partial<
    Omit<HostFacts, 'helpers'>
  > & {
    readonly helpers: readonly HelperName[];
  };
  return hostWith(helpers, more);
}

async function messagesOf(directory: string): Promise<{ text: string; isRefused: boolean }> {
  const result = await loadProject(
    {
      workingDirectory: directory,
      files: [],
      envFiles: [],
      environment: {},
      profiles: [],
      hostCpus: 4,
      hostArch: 'x64',
      host: hostOf(directory),
    },
    nodeFiles(),
  );
  const text = renderDiagnostics(result.diagnostics, result.texts, { color: false, relativeTo: directory });
  return { text, isRefused: hasErrors(result.diagnostics) && result.project === undefined };
}

describe('a broken project is refused with messages for people', () => {
  test.each(cases)('%s', async (name) => {
    const directory = path.join(fixtures, name);
    const { text, isRefused } = await messagesOf(directory);
    expect(isRefused).toBe(true);
    await expect(text).toMatchFileSnapshot(path.join(directory, 'expected.txt'));
  });
});

test('there are at least 100 broken projects', () => {
  expect(cases.length).toBeGreaterThanOrEqual(100);
});
