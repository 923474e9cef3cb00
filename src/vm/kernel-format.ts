import { err, ok, type Result } from '../base/result.ts';
import type { KernelFormat } from './vm.ts';

/** What libkrun loads on a processor, in Node's words. */
const LOADED: Readonly<Record<string, readonly KernelFormat[]>> = {
  x64: ['elf', 'image_bz2', 'image_gz', 'image_zstd'],
  arm64: ['raw', 'pe_gz'],
  riscv64: ['raw', 'pe_gz'],
};

/** A kernel that libkrun does not boot: why, and what to do. */
export interface KernelProblem {
  readonly message: string;
  readonly hint?: string;
}

/** Why libkrun does not load kernels of a format on a processor. */
export function formatProblem(format: KernelFormat, arch: string): KernelProblem | undefined {
  const loaded = LOADED[arch];
  if (!loaded || loaded.includes(format)) return undefined;
  if (format === 'raw') {
    return {
      message: 'on x86_64 libkrun takes a raw kernel for a bundle like libkrunfw, not for a kernel image',
      hint: 'use the ELF file of the kernel (vmlinux), of the format elf',
    };
  }
  const hint = `this processor's kernels are ${loaded.join(', ')}`;
  return { message: `libkrun does not load kernels of format ${format} on ${arch}`, hint };
}

/** Why libkrun up to 1.17 boots no image compressed with bzip2: it looks for four bytes where three are. */
export function bzip2Problem(format: KernelFormat, isFixed: boolean): KernelProblem | undefined {
  if (format !== 'image_bz2' || isFixed) return undefined;
  return {
    message: 'libkrun before 1.18 does not find the kernel in an image that is compressed with bzip2',
    hint: 'use libkrun 1.18 or newer, or the ELF file of the kernel (vmlinux)',
  };
}

/** Bytes of a file from an offset; fewer where the file ends. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

type Detected = Result<KernelFormat, KernelProblem>;

/** As much of a file as tells what it is: the longest header is x86's. */
const HEADER_BYTES = 0x250;

/** The format of a kernel file by its contents, or why libkrun boots nothing like it: words that follow its name. */
export function detectKernelFormat(read: ReadAt): Result<KernelFormat, KernelProblem> {
  const start = read(0, HEADER_BYTES);
  const at = (offset: number, text: string): boolean => latin1(start, offset, text.length) === text;
  if (at(0, '\u007FELF')) return ok('elf');
  if (at(0x202, 'HdrS')) return bzImage(start, read);
  if (at(0x38, 'ARMd') || at(0x38, 'RSC\u0005')) return ok('raw');
  if (at(0, 'MZ') && at(4, 'zimg')) return efiImage(latin1(start, 24, 32));
  const compression = compressionOf(start);
  if (compression?.format) return ok(compression.format);
  if (compression) return unread(`is compressed with ${compression.name}`);
  return unread('is not a kernel that libkrun knows', 'set `format` if it is one all the same');
}

interface Compression {
  readonly name: string;
  readonly magic: string;
  /** How libkrun calls an x86 image with it. */
  readonly format?: KernelFormat;
}

/** First bytes of what the kernel's build compresses its images with. */
const COMPRESSIONS: readonly Compression[] = [
  { name: 'gzip', magic: '\u001F\u008B\u0008', format: 'image_gz' },
  { name: 'bzip2', magic: 'BZh', format: 'image_bz2' },
  { name: 'zstd', magic: '\u0028\u00B5\u002F\u00FD', format: 'image_zstd' },
  { name: 'xz', magic: '\u00FD7zXZ\0' },
  { name: 'lzma', magic: '\u005D\0\0' },
  { name: 'lzo', magic: '\u0089LZO' },
  { name: 'lz4', magic: '\u0002\u0021\u004C\u0018' },
];

function compressionOf(bytes: Uint8Array): Compression | undefined {
  return COMPRESSIONS.find(({ magic }) => latin1(bytes, 0, magic.length) === magic);
}

const SECTOR_BYTES = 512;
const DEFAULT_SETUP_SECTORS = 4;

/** x86's image says in its header where the compressed kernel is (Documentation/arch/x86/boot.rst). */
function bzImage(start: Uint8Array, read: ReadAt): Detected {
  if (start.length < HEADER_BYTES)
    return unread('ends within its header', 'copy it anew: a part of it is missing');
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const sectors = start[0x1f1] || DEFAULT_SETUP_SECTORS;
  const protocol = view.getUint16(0x206, true);
  // Older ones than 2.08 (Linux 2.6.26) do not say it.
  if (protocol < 0x208) return unread('is an x86 image older than Linux 2.6.26');
  const offset = (sectors + 1) * SECTOR_BYTES + view.getUint32(0x248, true);
  const compression = compressionOf(read(offset, 8));
  if (compression?.format) return ok(compression.format);
  const how = compression ? `compressed with ${compression.name}` : 'in a form that krun does not know';
  return unread(`holds its kernel ${how}`);
}

/** The name of the compression is in the header of a zboot image. */
function efiImage(header: string): Detected {
  const name = header.split('\0')[0] ?? '';
  return name === 'gzip' ? ok('pe_gz') : unread(`holds its kernel compressed with ${name}`);
}

function unread(how: string, hint?: string): Detected {
  const unpack = "unpack it: the kernel's scripts/extract-vmlinux prints the ELF file of an x86 image";
  return err({ message: how, hint: hint ?? unpack });
}

function latin1(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length));
}

/** Room that the kernel's own limit of 2048 leaves beside what libkrun adds: 1 KiB is enough for eleven devices. */
const MOST_CMDLINE_BYTES = 1500;

/** Why a kernel command line does not reach the guest as it is. */
export function cmdlineProblem(cmdline: string): KernelProblem | undefined {
  if (!/^[ -~]*$/.test(cmdline)) {
    return {
      message: 'a kernel command line is printable ASCII on one line',
      hint: 'remove the other characters',
    };
  }
  if (cmdline.length > MOST_CMDLINE_BYTES) {
    const message = `the kernel command line has ${cmdline.length} bytes, and ${MOST_CMDLINE_BYTES} fit beside what libkrun adds`;
    return {
      message,
      hint: 'shorten it: the kernel cuts at 2048 bytes, and the addresses of devices come last',
    };
  }
  if (/(^| )--( |$)/.test(cmdline)) {
    return {
      message: '`--` ends the kernel command line, and libkrun adds the addresses of devices after it',
      hint: "remove it; what follows it would be init's arguments",
    };
  }
  return undefined;
}

/**
 * Whether libkrun finds a console to replace in a command line. It takes the first `console=`, of whatever word, up to
 * the next space, and aborts where one of them is missing.
 */
export function hasConsole(cmdline: string): boolean {
  const start = cmdline.indexOf('console=');
  const beginsWord = start === 0 || cmdline[start - 1] === ' ';
  return start !== -1 && beginsWord && cmdline.includes(' ', start);
}

/** Where the memory of a PC has its hole for devices. */
const MOST_MIB_WITH_INITRD_X64 = 3328;

/** Why an initrd cannot be given to a machine of this size: libkrun puts it at the end of the memory. */
export function initrdProblem(memoryMiB: number, arch: string): KernelProblem | undefined {
  if (arch !== 'x64' || memoryMiB <= MOST_MIB_WITH_INITRD_X64) return undefined;
  return {
    message: `with an initrd a machine has at most ${MOST_MIB_WITH_INITRD_X64} MiB on x86_64: libkrun puts it at the end of the memory, and tells the kernel only 32 bits of where that is`,
    hint: `give the machine ${MOST_MIB_WITH_INITRD_X64} MiB or less, or boot without an initrd`,
  };
}
