import { connect } from 'node:net';
import { hasSlept, readClocks } from '../machine/clock-watch.ts';

/** How often the host is asked whether it was asleep. */
const LOOK_MS = 10_000;
/** qemu-ga answers at once, or is not there. */
const ANSWER_MS = 10_000;

/**
 * Sets the guest's clock after each sleep of the host, through qemu-ga at a socket; `tell` gets what went
 * wrong.
 */
export function keepTime(socket: string, tell: (message: string) => void): void {
  let last = readClocks();
  setInterval(() => {
    const next = readClocks();
    if (hasSlept(last, next)) setGuestTime(socket, Date.now()).catch((error: Error) => tell(error.message));
    last = next;
  }, LOOK_MS).unref();
}

/** Sends qemu-ga's guest-set-time; rejects unless the agent says that it is done. */
export function setGuestTime(path: string, nowMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      socket.destroy();
      reject(
        new Error(
          `the guest's clock was not set (${why}); qemu-ga must listen at the vsock port in the guest`,
        ),
      );
    };
    let answer = '';
    const socket = connect(path, () => {
      const time = BigInt(nowMs) * 1_000_000n;
      socket.write(`{"execute":"guest-set-time","arguments":{"time":${time}}}\n`);
    });
    socket.setEncoding('utf8').setTimeout(ANSWER_MS, () => fail('qemu-ga does not answer'));
    socket.once('error', (error) => fail(error.message));
    socket.once('close', () => fail('the connection was closed'));
    socket.on('data', (text: string) => {
      answer += text;
      if (!answer.includes('\n')) return;
      if (answer.includes('"return"')) {
        resolve();
        socket.destroy();
      } else fail(answer.trim());
    });
  });
}
