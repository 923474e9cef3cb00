import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../../host/errno.ts';
import { TOOL_DIRECTORIES } from '../../host/tool.ts';
import type { Check, DoctorHost } from './check.ts';
import { firstLine, runProgram } from '../../host/run-program.ts';

interface Helper {
  readonly name: string;
  readonly versionArgs: readonly string[];
  readonly purpose: string;
  readonly install: Partial<Record<NodeJS.Platform, string>>;
  readonly platforms: readonly NodeJS.Platform[];
}

const HELPERS: readonly Helper[] = [
  {
    name: 'qemu-img',
    versionArgs: ['--version'],
    purpose: 'disks with format: qcow2',
    install: { linux: 'Debian: apt install qemu-utils', darwin: 'brew install qemu' },
    platforms: ['linux', 'darwin'],
  },
  {
    name: 'mkfs.ext4',
    versionArgs: ['-V'],
    purpose: 'disks with fstype: ext4',
    install: { linux: 'Debian: apt install e2fsprogs', darwin: 'brew install e2fsprogs' },
    platforms: ['linux', 'darwin'],
  },
];

/** Programs that disks need. */
export async function checkDiskTools(host: DoctorHost): Promise<readonly Check[]> {
  const helpers = HELPERS.filter((helper) => helper.platforms.includes(host.platform));
  return Promise.all(helpers.map((helper) => checkHelper(helper, host)));
}

async function checkHelper(helper: Helper, host: DoctorHost): Promise<Check> {
  const file = await findProgram(helper.name, host.env['PATH'] ?? '');
  if (file === undefined) {
    const install = helper.install[host.platform];
    return {
      id: helper.name,
      status: 'missing',
      detail: `not found; needed for ${helper.purpose}`,
      ...(install !== undefined && { hint: install }),
    };
  }
  const result = await runProgram(file, helper.versionArgs);
  if (result.kind !== 'ended' || result.code !== 0) {
    const why = result.kind === 'killed' ? result.signal : `exit code ${result.code}`;
    return { id: helper.name, status: 'warning', detail: `${file} does not run (${why})` };
  }
  return { id: helper.name, status: 'ok', detail: `${file} (${firstLine(result.stdout || result.stderr)})` };
}

/** Absolute path of a program on PATH, or where krun looks for those that disks need. */
export async function findProgram(name: string, searchPath: string): Promise<string | undefined> {
  const directories = [
    ...searchPath.split(':').filter((entry) => path.isAbsolute(entry)),
    ...TOOL_DIRECTORIES,
  ];
  for (const directory of directories) {
    const file = path.join(directory, name);
    try {
      await access(file, constants.X_OK);
      return file;
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'].includes(errnoOf(error) ?? '')) throw error;
    }
  }
  return undefined;
}
