import { libc } from '../host/libc.ts';
import { setReceiveTimeout } from '../host/unix-sockets.ts';

/* Linux's numbers: only passt is asked, which is for Linux. */
const MSG_WAITALL = 0x100;
const MSG_NOSIGNAL = 0x4000;
const FRAME_BYTES = 42;

export interface ArpQuestion {
  /** Of the guest: whoever answers learns nothing that is not so. */
  readonly mac: string;
  readonly ip: string;
  /** Who is asked for. */
  readonly target: string;
}

/** Nobody answered in time, or the link was closed meanwhile. */
export type ArpAnswer = 'answered' | 'silent' | 'closed';

/**
 * Asks on a link, before the guest has it, who has an address. Whoever answers carries frames, and has done by then
 * what else could have failed. What arrives is read by whole frames, so the guest finds the link as if it were new.
 */
export async function probeByArp(fd: number, question: ArpQuestion, timeoutMs: number): Promise<ArpAnswer> {
  const deadline = performance.now() + timeoutMs;
  const request = arpRequest(question);
  // Where that fails, the link is closed, which reading tells.
  libc().send(fd, request, request.length, MSG_NOSIGNAL);
  for (;;) {
    setReceiveTimeout(fd, Math.max(1, Math.ceil(deadline - performance.now())));
    const frame = await readFrame(fd);
    if (frame === undefined) return performance.now() >= deadline ? 'silent' : 'closed';
    if (!isReply(frame, question)) continue;
    setReceiveTimeout(fd, 0);
    return 'answered';
  }
}

async function readFrame(fd: number): Promise<Buffer | undefined> {
  const length = await readBytes(fd, 4);
  return length && readBytes(fd, length.readUInt32BE(0));
}

async function readBytes(fd: number, length: number): Promise<Buffer | undefined> {
  const bytes = Buffer.alloc(length);
  return (await libc().recvLater(fd, bytes, MSG_WAITALL)) === length ? bytes : undefined;
}

/** With the length before it that frames have on a stream. */
function arpRequest({ mac, ip, target }: ArpQuestion): Buffer {
  const sender = mac.replaceAll(':', '');
  const toAll = `${'ff'.repeat(6)}${sender}0806`;
  const question = `0001080006040001${sender}${ipHex(ip)}${'00'.repeat(6)}${ipHex(target)}`;
  const length = FRAME_BYTES.toString(16).padStart(8, '0');
  return Buffer.from(length + toAll + question, 'hex');
}

function isReply(frame: Buffer, { target }: ArpQuestion): boolean {
  if (frame.length < FRAME_BYTES) return false;
  return (
    frame.toString('hex', 12, 22) === '08060001080006040002' &&
    frame.toString('hex', 28, 32) === ipHex(target)
  );
}

function ipHex(ip: string): string {
  return Buffer.from(ip.split('.').map(Number)).toString('hex');
}
