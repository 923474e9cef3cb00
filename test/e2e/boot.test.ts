import { chmod, stat } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Rig } from '../rig/support/rig.ts';
import { until } from '../rig/support/until.ts';
import { createMachines, ps } from './support/machines.ts';
import { debianKernel } from './support/own-kernel.ts';

const kernel = debianKernel();

/** The example with a kernel that is there, and more words on its command line. */
async function ownKernel(context: Parameters<typeof createMachines>[0], more = ''): Promise<Rig> {
  const project = await createMachines(context, { example: 'own-kernel', env: { KERNEL: kernel ?? '' } });
  const text = await project.read('krun.yaml');
  await project.write('krun.yaml', text.replace(' quiet', ` quiet ${more}`));
  return project;
}

async function ended(project: Rig): Promise<string | undefined> {
  const isOver = async (): Promise<boolean> => (await ps(project))['tiny']?.status === 'exited';
  expect(await until(isOver, { timeoutMs: 120_000 })).toBe(true);
  return (await ps(project))['tiny']?.reason;
}

describe.skipIf(kernel === undefined || process.arch !== 'x64')("Debian's kernel with an initrd", () => {
  test('boots, is healthy by what it prints on its serial port, runs no commands, and is powered off', async (context) => {
    await using project = await ownKernel(context);
    await project.ok(['up', '-d', '--wait']);
    expect(await project.ok(['logs', '--no-log-prefix', '--stream', 'stdout'])).toMatch(
      /^Linux \S+-amd64 with: console=ttyS0 panic=-1 reboot=k quiet.*\nready\n$/m,
    );
    expect((await project.krun(['exec', 'tiny', 'true'])).stderr).toContain('no agent');
    const stopped = await project.krun(['stop']);
    expect(stopped.stderr).toContain('powered off: libkrun cannot ask a guest that boots by itself');
    expect(await ps(project)).toMatchObject({ tiny: { status: 'exited', exitCode: null } });
  });

  test('has ended where it reboots, and krun does not pretend to know how', async (context) => {
    await using project = await ownKernel(context, 'then=reboot');
    await project.ok(['up', '-d']);
    expect(await ended(project)).toBe('a guest that boots by itself does not say how it ended');
    expect(await project.ok(['logs', '--no-log-prefix', '--stream', 'stdout'])).toContain('ready\n');
  });

  test('has ended where it is halted, although libkrun goes on', async (context) => {
    await using project = await ownKernel(context, 'then=halt');
    await project.ok(['up', '-d']);
    expect(await ended(project)).toBe('the guest was halted; how it ended is not known');
  });

  test('has its panic as the reason where its initrd has no init', async (context) => {
    await using project = await ownKernel(context, 'rdinit=/none root=/dev/none');
    await project.ok(['up', '-d']);
    expect(await ended(project)).toMatch(/^the guest kernel panicked: VFS: Unable to mount root fs/);
  });
});

test.skipIf(process.getuid?.() !== 0)(
  'a machine process that became another user serves files as that user, and krun still knows how its guest ends',
  async (context) => {
    const uid = 12_345;
    const { gid } = await stat('/dev/kvm');
    await using project = await createMachines(context, {
      files: {
        'krun.yaml': `machines:
  other:
    root: ./rootfs
    build: { command: [./mkown.sh] }
    memory: 256MiB
    networks: []
    uid: ${uid}
    gid: ${gid}
    shares: ['./shared:/shared']
    command: [/bin/sh, -c, 'echo mine >/shared/file; exec sleep inf']
`,
        'shared/.keep': '',
      },
    });
    // The guest's root is that user, who may not make a mount point in a directory of another one's.
    await project.write('mkown.sh', '#!/bin/sh\n./mkroot.sh && mkdir rootfs/shared\n', 0o755);
    const refused = await project.krun(['up', '-d']);
    expect(refused.stderr).toMatch(
      new RegExp(`user ${uid} \\(group ${gid}\\) cannot open the (root|device) \\S+`),
    );
    await chmod(project.base, 0o711);
    await chmod(project.directory, 0o755);
    await chmod(path.join(project.directory, 'shared'), 0o777);
    await project.ok(['up', '-d']);
    const file = path.join(project.directory, 'shared', 'file');
    const isWritten = async (): Promise<boolean> => (await stat(file).catch(() => undefined)) !== undefined;
    expect(await until(isWritten, { timeoutMs: 60_000 })).toBe(true);
    expect((await stat(file)).uid).toBe(uid);
    expect(await project.ok(['exec', 'other', 'echo', 'served'])).toBe('served\n');
    await project.ok(['stop']);
    expect(await ps(project)).toMatchObject({ other: { status: 'exited' } });
  },
);

test('a read-only root on a disk cannot be written to', async (context) => {
  await using project = await createMachines(context, {
    files: {
      'krun.yaml': `machines:\n  fixed:\n    root: { disk: ./root.img, fstype: ext4, readonly: true }\n    build: { command: [./mkdisk.sh], inputs: [mkdisk.sh] }\n    memory: 256MiB\n    command: [/bin/sh, -c, 'echo >/new || exit 5']\n`,
    },
  });
  await project.write(
    'mkdisk.sh',
    '#!/bin/sh\nset -e\nPATH=$PATH:/sbin:/usr/sbin\n./mkroot.sh\nmkfs.ext4 -q -d rootfs root.img 16M\n',
    0o755,
  );
  expect((await project.krun(['up', '--exit-code-from', 'fixed'])).code).toBe(5);
});
