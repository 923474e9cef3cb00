/** Each frame is preceded by its length as a 32-bit big-endian number: the format of libkrun, QEMU and passt. */
export const PREFIX_BYTES = 4;
/** Addresses and type; what is shorter is no frame, and deadlocks gvproxy. */
export const HEADER_BYTES = 14;
/** libkrun's buffer for one frame: 64 KiB of IP and all headers before it. */
export const MAX_FRAME_BYTES = 65_562;

export const TYPE_IPV4 = 0x0800;
export const TYPE_ARP = 0x0806;

/** An Ethernet address as a number of 48 bits, so that it compares and is a key. */
export type Mac = number;

export const BROADCAST: Mac = 0xffff_ffff_ffff;

export function parseMac(text: string): Mac | undefined {
  return /^([\da-f]{2}:){5}[\da-f]{2}$/i.test(text)
    ? Number.parseInt(text.replaceAll(':', ''), 16)
    : undefined;
}

export function macAt(bytes: Uint8Array, at: number): Mac {
  return u32At(bytes, at) * 0x1_0000 + u16At(bytes, at + 4);
}

export function writeMac(bytes: Buffer, at: number, mac: Mac): void {
  bytes.writeUIntBE(mac, at, 6);
}

/** Whether the address is for several stations. */
export function isMulticast(mac: Mac): boolean {
  return (Math.floor(mac / 2 ** 40) & 1) === 1;
}

/** Whether the frame at `at` is for several stations, as the lowest bit of the first byte tells. */
export function isForSeveral(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at] ?? 0) & 1) === 1;
}

/** Reads beyond the end are zero: callers check lengths where that matters. */
export function u16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

export function u32At(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}
