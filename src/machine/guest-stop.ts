import type { BootstrapGuest } from './console-ports.ts';
import { RecentBytes } from './recent-bytes.ts';
import type { SessionPool } from './session-pool.ts';

/** The part of the grace period after which the signal is sent all the same. */
const COMMAND_PART = 0.8;
const DEFAULT_GRACE_MS = 10_000;
/** Of what the command says, as much is told where it fails. */
const TOLD_BYTES = 16 * 1024;

/**
 * Ends the machine's command by another command in the guest. The signal follows where that fails, or where the machine
 * is still there when most of the time for it is over.
 */
export function stopByCommand(pool: SessionPool, guest: BootstrapGuest, sendSignal: () => void): void {
  const { stopCommand = [], stopGracePeriodMs = DEFAULT_GRACE_MS } = guest;
  const timer = setTimeout(sendSignal, stopGracePeriodMs * COMMAND_PART);
  const fail = (why: string): void => {
    clearTimeout(timer);
    process.stderr.write(`krun: the stop command ${why}; the stop signal is sent instead\n`);
    sendSignal();
  };
  const said = new RecentBytes(TOLD_BYTES);
  pool.ask({
    request: { command: stopCommand, environment: {}, stdin: false, urgent: true },
    peer: {
      started: () => undefined,
      taken: () => undefined,
      output: (_kind, bytes) => {
        said.add(bytes);
        return true;
      },
      end: ({ exitCode, error }) => {
        if (exitCode === 0 || exitCode === null) return;
        const text = error ?? said.take().toString('utf8').trim();
        fail(`failed with exit code ${exitCode}${text === '' ? '' : `: ${text}`}`);
      },
    },
    begin: () => undefined,
  });
}
