import { runTool, type ToolResult } from '../../host/tool.ts';
import { ActionFailure } from '../failure.ts';

/** Debian's and Homebrew's names of the packages that hold the tools. */
const PACKAGES: Readonly<Record<string, string>> = {
  'qemu-img': 'qemu-utils (Debian), qemu-img (Fedora) or qemu (Homebrew)',
  'mkfs.ext2': 'e2fsprogs',
  'mkfs.ext3': 'e2fsprogs',
  'mkfs.ext4': 'e2fsprogs',
  resize2fs: 'e2fsprogs',
  e2fsck: 'e2fsprogs',
  'mkfs.xfs': 'xfsprogs',
  'mkfs.btrfs': 'btrfs-progs',
  'mkfs.vfat': 'dosfstools',
  'mkfs.erofs': 'erofs-utils',
};

/** Runs a tool that the disk cannot do without. */
export async function requireTool(
  program: string,
  args: readonly string[],
  disk: string,
  signal: AbortSignal,
): Promise<void> {
  explain(await runTool(program, args, signal), program, disk);
  signal.throwIfAborted();
}

/** Fails with what is to be done, unless the tool did its work. */
export function explain(result: ToolResult, program: string, disk: string): void {
  if (result.kind === 'done') return;
  if (result.kind === 'missing') {
    throw new ActionFailure(
      `disk ${disk} needs ${program}, which is not installed`,
      `install the package ${PACKAGES[program] ?? `that contains ${program}`}`,
    );
  }
  const full = /no space left on device/i.test(result.message);
  throw new ActionFailure(
    `${program} failed for disk ${disk}: ${result.message}`,
    full ? 'the host disk is full; free some space and run the command again' : undefined,
  );
}
