import { execFile } from 'node:child_process';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Rig } from '../../rig/support/rig.ts';
import { gptDisk, GUIDS, writeDisk } from '../../support/partitioned-disk.ts';

const run = promisify(execFile);
const SOURCE = path.join(import.meta.dirname, 'guest-vsock.c');

/** busybox's init: what it starts, and what an orderly shutdown does. */
const INITTAB = `::sysinit:/etc/rc
::ctrlaltdel:/bin/reboot
::shutdown:/etc/down
`;

/**
 * A bootable disk image with a GPT: an EFI partition that is empty, and an ext4 with busybox's init, which runs `rc` at
 * the start and `down` at an orderly end.
 */
export async function makeGuestDisk(
  project: Rig,
  name: string,
  scripts: { readonly rc: string; readonly down: string },
): Promise<string> {
  const root = path.join(project.directory, 'rootfs');
  await run('./mkroot.sh', [], { cwd: project.directory });
  for (const directory of ['sbin', 'mnt', 'etc']) await run('mkdir', ['-p', path.join(root, directory)]);
  await symlink('../bin/busybox', path.join(root, 'sbin', 'init'));
  await writeFile(path.join(root, 'etc', 'inittab'), INITTAB);
  for (const [script, text] of Object.entries(scripts))
    await writeFile(path.join(root, 'etc', script), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const flags = ['-static', '-O1', '-Wall', '-Wextra', '-Werror'];
  await run(process.env['CC'] || 'cc', [...flags, '-o', path.join(root, 'bin', 'guest-vsock'), SOURCE]);
  const partition = path.join(project.directory, `${name}.ext4`);
  await run('mkfs.ext4', ['-q', '-d', root, partition, '32M'], {
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
  });
  const efi = { content: Buffer.alloc(1024 ** 2), type: GUIDS.efiSystem };
  const disk = gptDisk([efi, { content: await readFile(partition), type: GUIDS.linuxRootX64 }]);
  return writeDisk(path.join(project.directory, name), disk);
}
