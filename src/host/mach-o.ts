/** What a Mach-O program or library says of the libraries that it needs. */
export interface MachO {
  /** As written, such as `@rpath/libnode.127.dylib`. */
  readonly libraries: readonly string[];
  /** Directories that `@rpath` stands for, in order, such as `@loader_path/../lib`. */
  readonly rpaths: readonly string[];
}

/** 64-bit, little-endian: Apple silicon and Intel Macs have no others. */
const MAGIC_64 = 0xfeedfacf;
const FAT_MAGIC = 0xcafebabe;
const CPU_TYPES: Readonly<Record<string, number>> = { x64: 0x01000007, arm64: 0x0100000c };

const LC_LOAD_DYLIB = 0xc;
const LC_LOAD_WEAK_DYLIB = 0x80000018;
const LC_REEXPORT_DYLIB = 0x8000001f;
const LC_RPATH = 0x8000001c;
const HEADER_BYTES = 32;

/**
 * Reads load commands (mach-o/loader.h); of a universal file those for the processor `arch`, as Node says it. Undefined
 * where the bytes are no Mach-O file for it, or end before its load commands do.
 */
export function readMachO(bytes: Uint8Array, arch: string): MachO | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const start = view.getUint32(0, false) === FAT_MAGIC ? sliceFor(view, arch) : 0;
    return start === undefined ? undefined : readCommands(view, start);
  } catch (error) {
    // Beyond the end of the bytes.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Where a universal file has the part for a processor. */
function sliceFor(view: DataView, arch: string): number | undefined {
  const count = view.getUint32(4, false);
  for (let index = 0; index < count; index++) {
    const at = 8 + index * 20;
    if (view.getUint32(at, false) === CPU_TYPES[arch]) return view.getUint32(at + 8, false);
  }
  return undefined;
}

function readCommands(view: DataView, start: number): MachO | undefined {
  if (view.getUint32(start, true) !== MAGIC_64) return undefined;
  const count = view.getUint32(start + 16, true);
  const end = start + HEADER_BYTES + view.getUint32(start + 20, true);
  const libraries: string[] = [];
  const rpaths: string[] = [];
  let at = start + HEADER_BYTES;
  for (let index = 0; index < count && at < end; index++) {
    const command = view.getUint32(at, true);
    const size = view.getUint32(at + 4, true);
    if (size < 8) return undefined;
    const text = (): string => textAt(view, at + view.getUint32(at + 8, true), at + size);
    if ([LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB, LC_REEXPORT_DYLIB].includes(command)) libraries.push(text());
    else if (command === LC_RPATH) rpaths.push(text());
    at += size;
  }
  return { libraries, rpaths };
}

/** Text up to a NUL, or the end of its load command. */
function textAt(view: DataView, start: number, end: number): string {
  let stop = start;
  while (stop < end && view.getUint8(stop) !== 0) stop++;
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + start, stop - start));
}
