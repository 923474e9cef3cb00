import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { until } from '../rig/support/until.ts';
import { createMachines, ps, type PsLine } from './support/machines.ts';

const MACHINE = `
    root: ./rootfs
    build: { command: [./mkroot.sh], inputs: [mkroot.sh] }
    memory: 200MiB`;

/** An image with one partition from 1 MiB on, which holds rootfs/. */
const MKPART = `#!/bin/sh
set -eu
PATH=$PATH:/usr/sbin:/sbin
./mkroot.sh
rm -f part.img.new
truncate -s 34M part.img.new
put() { dd of=part.img.new bs=1 seek="$1" conv=notrunc 2>/dev/null; }
printf '\\0\\0\\0\\0\\203\\0\\0\\0\\0\\010\\0\\0\\0\\300\\0\\0' | put 446
printf '\\125\\252' | put 510
mke2fs -q -t ext4 -E root_owner=0:0,offset=1048576 -d rootfs part.img.new 24M
mv part.img.new part.img
`;

describe('a real microVM in trouble', () => {
  test('a guest that does not say how its command ended is never taken for a success', async (context) => {
    await using project = await createMachines(context, {
      files: {
        'krun.yaml': `machines:
  memory:${MACHINE}
    command: [/bin/sh, -c, 'echo 1 >/proc/sys/vm/panic_on_oom; tail /dev/zero; exit 0']
  killed:${MACHINE}
    command: [/bin/sh, -c, 'kill -9 -1; sleep 1; exit 0']
  halted:${MACHINE}
    command: [/bin/sh, -c, 'poweroff -f; sleep 60; exit 0']
`,
      },
    });
    await project.ok(['up', '-d']);
    let machines: Readonly<Record<string, PsLine>> = {};
    const isOver = async (): Promise<boolean> => {
      machines = await ps(project);
      return Object.values(machines).every(({ status }) => status === 'exited');
    };
    expect(await until(isOver, { timeoutMs: 100_000 }), JSON.stringify(machines)).toBe(true);
    expect(machines).toMatchObject({
      memory: { exitCode: null, reason: expect.stringContaining('the guest kernel panicked: Out of memory') },
      killed: { exitCode: null, reason: 'the guest ended without reporting an exit code' },
      halted: { exitCode: null, reason: 'the guest was halted without reporting an exit code' },
    });
  });

  test('a root on a partition, a qcow2 disk that grew, and an image that the guest cannot write', async (context) => {
    const script = `grep -c "^/dev/vda1 / ext4" /proc/mounts; blockdev --getsize64 /dev/vdb
      echo written | dd of=/dev/vdb conv=sync,fsync; head -c 7 /dev/vdb
      dd if=/dev/zero of=/dev/vdc bs=512 count=1 && echo "wrote what is read-only"; head -c 7 /dev/vdc; exit 3`;
    const config = (sizeMiB: number): string => `machines:
  job:
    kind: task
    root: { disk: ./part.img, device: /dev/vda1, fstype: ext4 }
    build: { command: [./mkpart.sh], inputs: [mkpart.sh] }
    memory: 200MiB
    disks: [data, { source: ./fixed.img, readonly: true }]
    command:
      - /bin/sh
      - -c
      - |
        ${script.replaceAll('\n', '\n  ')}
disks:
  data: { size: ${sizeMiB}MiB, format: qcow2 }
`;
    await using project = await createMachines(context, { files: { 'krun.yaml': config(8) } });
    await project.write('mkpart.sh', MKPART, 0o755);
    await project.write('fixed.img', `fixed${' '.repeat(1024 * 1024 - 5)}`);
    await project.krun(['up']);
    expect(await ps(project)).toMatchObject({ job: { status: 'exited', exitCode: 3 } });
    const output = async (): Promise<string> => project.ok(['logs', '--no-log-prefix', '--stream', 'stdout']);
    expect(await output()).toBe(`1\n${8 * 1024 * 1024}\nwrittenfixed  \n`);
    await project.write('krun.yaml', config(16));
    await project.krun(['up']);
    expect(await output()).toContain(`\n${16 * 1024 * 1024}\n`);
    const image = await readFile(path.join(project.directory, 'fixed.img'), 'utf8');
    expect(image.slice(0, 7)).toBe('fixed  ');
  });
});
