import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'vitest';
import type { Rig } from '../../rig/support/rig.ts';
import { createMachines } from './machines.ts';

/** The root of {@link busybox}: Debian's busybox, and a user `app` without rights. */
const MKGUEST = `#!/bin/sh
set -eu
./mkroot.sh
mkdir rootfs/etc
echo 'app:x:1234:567::/:/bin/sh' >rootfs/etc/passwd
echo 'app:x:567:' >rootfs/etc/group
`;

/** A machine of krun.yaml with a busybox, a tmpfs at /tmp and no network. */
export function busybox(
  script: string,
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    root: './rootfs',
    build: { command: ['./mkguest.sh'], inputs: ['mkguest.sh'] },
    memory: '256MiB',
    boot_timeout: '150s',
    networks: [],
    command: ['/bin/sh', '-c', literal(`mount -t tmpfs none /tmp\n${script}`)],
    ...more,
  };
}

/** A text that krun.yaml does not interpolate. */
export function literal(text: string): string {
  return text.replaceAll('$', '$$$$');
}

/** A project whose krun.yaml is JSON, which is YAML too. */
export async function createGuests(
  context: Pick<TestContext, 'onTestFailed'>,
  config: unknown,
  options: {
    readonly files?: Readonly<Record<string, string>>;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<Rig> {
  const files = { ...options.files, 'krun.yaml': JSON.stringify(config, undefined, 1) };
  const project = await createMachines(context, { ...options, files });
  await project.write('mkguest.sh', MKGUEST, 0o755);
  return project;
}

/** What a `krun` writes, byte for byte, and how it ends. */
export async function bytesOf(
  project: Rig,
  args: readonly string[],
  input: Uint8Array,
): Promise<{ readonly code: number | null; readonly output: Buffer }> {
  const child = spawn(process.execPath, [project.program, ...args], {
    cwd: project.directory,
    env: project.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  // A command that fails does not read.
  child.stdin.on('error', () => undefined).end(input);
  const [output, [code]] = await Promise.all([buffer(child.stdout), once(child, 'close')]);
  return { code: code as number | null, output };
}
