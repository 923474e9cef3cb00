import { expect } from 'vitest';
import type { FileKind } from '../../../src/config/file-access.ts';
import type { Project } from '../../../src/project/project.ts';
import { load, textOf } from '../config/support/load.ts';

/** What a made krun.yaml is on a host where everything that it names exists; anything that is wrong fails the test. */
export async function projectOf(yaml: string, more: Parameters<typeof load>[1] = {}): Promise<Project> {
  const files: Record<string, string> = { '/p/krun.yaml': yaml };
  for (const [path, text] of Object.entries(SURROUNDINGS)) files[path] = text;
  for (const [, path] of yaml.matchAll(/(?:\.\/|: ?|- |\{source: )((?:rootfs|volumes)\/[\w.-]+)/g)) {
    files[`/p/${path}/`] = '';
  }
  const result = await load(files, more);
  const mistakes = result.diagnostics.filter(({ severity }) => severity === 'error');
  expect(textOf({ ...result, diagnostics: mistakes })).toBe('');
  if (!result.project) throw new Error('there is no project');
  return result.project;
}

const SURROUNDINGS: Readonly<Record<string, string>> = {
  '/p/src/': '',
  '/p/bind/': '',
  '/p/long/': '',
  '/p/data/': '',
  '/p/package.json': '{}',
  '/p/nginx.conf': '',
  '/p/file.txt': '',
  '/p/secrets/pw': '',
  '/p/.env.all': '',
  '/p/other.yaml': 'machines: { other: { root: ./rootfs/other, command: [sh] } }\n',
  '/p/rootfs/other/': '',
  '/home/u/home/': '',
  '/images/disk.raw': '',
  '/images/data.qcow2': '',
  '/p/disk.img': '',
  '/boot/vmlinux': '',
  '/boot/initrd': '',
  '/shared/': '',
  '/run/': '',
  '/fw/EFI.fd': '',
};

/** What the paths of a compose file in /p are. */
export function kindOf(path: string): FileKind {
  const absolute = path
    .replace(/^~/, '/home/u')
    .replace(/^\.?\/?(?=[^/])/, path.startsWith('/') ? '/' : '/p/');
  if (absolute.endsWith('.sock')) return 'other';
  if (SURROUNDINGS[absolute] !== undefined) return 'file';
  return SURROUNDINGS[`${absolute}/`] === undefined ? 'missing' : 'directory';
}
