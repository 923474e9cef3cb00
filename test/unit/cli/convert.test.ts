import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../../src/cli/exit-codes.ts';
import { runCommandLine } from '../../../src/cli/run.ts';
import { createTestHost } from './host.ts';

let cwd: string;
beforeEach(() => {
  cwd = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'krun-convert-')));
});
afterEach(() => rmSync(cwd, { recursive: true }));

async function convert(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const host = createTestHost({ cwd });
  const code = await runCommandLine(['convert', ...argv], host);
  return { code, out: host.out(), err: host.err() };
}

function file(name: string, text: string): string {
  const place = path.join(cwd, name);
  writeFileSync(place, text);
  return place;
}

const COMPOSE = 'services:\n  web:\n    image: alpine\n    command: sh\n    privileged: true\n';

describe('convert compose', () => {
  test('finds the file, prints krun.yaml and lists what is lost apart', async () => {
    file('compose.yaml', COMPOSE);
    const { code, out, err } = await convert('compose');
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(/^machines:\n  web:\n    root: \.\/rootfs\/web\n/);
    expect(err).toMatch(/^krun: what does not carry over, or means something else:\n/);
    expect(err).toContain('  line 5: services.web.privileged\n      a machine has a kernel of its own');
  });

  test('writes a file for its user alone, and another one only when forced', async () => {
    const source = file('docker-compose.yml', COMPOSE);
    const target = path.join(cwd, 'krun.yaml');
    expect((await convert('compose', source, '-o', 'krun.yaml')).code).toBe(EXIT.ok);
    expect(readFileSync(target, 'utf8')).toContain('machines:');
    expect(statSync(target).mode & 0o777).toBe(0o600);
    writeFileSync(target, 'mine');
    const refused = await convert('compose', source, '-o', 'krun.yaml');
    expect([refused.code, refused.out]).toEqual([EXIT.failure, '']);
    expect(refused.err).toBe(`krun: ${target} exists\n  hint: -f overwrites it\n`);
    expect(readFileSync(target, 'utf8')).toBe('mine');
    expect((await convert('compose', source, '-o', 'krun.yaml', '-f')).code).toBe(EXIT.ok);
    expect(readFileSync(target, 'utf8')).toContain('machines:');
  });

  test('tells of the file that overrides it', async () => {
    file('compose.yaml', COMPOSE);
    file('compose.override.yaml', COMPOSE);
    expect((await convert('compose')).err).toContain('krun: compose.override.yaml is not in it');
  });

  test.each([
    ['no file', [], /^error: there is no compose\.yaml, .* in /],
    ['a missing file', ['none.yaml'], /^error: cannot read .*none\.yaml: ENOENT/],
    ['a directory', ['.'], /^error: cannot read .*: EISDIR/],
  ])('refuses %s', async (_name, argv, expected) => {
    const { code, out, err } = await convert('compose', ...argv);
    expect([code, out]).toEqual([EXIT.usage, '']);
    expect(err).toMatch(expected);
  });

  test('shows the line of a mistake', async () => {
    file('compose.yaml', 'services: [\n');
    const { code, err } = await convert('compose');
    expect(code).toBe(EXIT.usage);
    expect(err).toContain('compose.yaml:1:11');
  });
});

describe('convert krunkit and vfkit', () => {
  test('take all that follows for the other program', async () => {
    const { code, out } = await convert(
      'krunkit',
      '--cpus',
      '2',
      '--memory',
      '2G',
      '-f',
      '/fw',
      '--device',
      'virtio-rng',
    );
    expect(code).toBe(EXIT.ok);
    expect(out).toContain('    cpus: 2\n    memory: 2048MiB\n    boot: {firmware: /fw}\n');
    const vfkit = await convert('vfkit', '-c', '2', '--bootloader', 'efi,variable-store=/v,create');
    expect(vfkit.out).toContain('    cpus: 2\n');
    expect(vfkit.err).toContain('variable-store=/v');
  });

  test('write to a file that is named before them', async () => {
    const { code, out } = await convert('-o', 'vm.yaml', 'krunkit', '--cpus', '2', '--memory', '2G');
    expect([code, out]).toEqual([EXIT.ok, '']);
    expect(readFileSync(path.join(cwd, 'vm.yaml'), 'utf8')).toContain('machines:');
  });

  test('are refused as krunkit and vfkit refuse them', async () => {
    expect(await convert('krunkit', '--cpus', '2')).toMatchObject({ code: EXIT.usage, out: '' });
    expect((await convert('vfkit', '--what')).err).toContain("Unknown option '--what'");
  });
});
