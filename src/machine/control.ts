import { closeSync, existsSync, openSync, write } from 'node:fs';
import { watchPath } from '../host/watch.ts';
import { performLastActs } from './last-acts.ts';
import { serveControl } from './control-server.ts';
import type { MachineSpec } from './spec.ts';
import { parseStatus, readStatus } from './status-file.ts';

/** libkrun 1.17 sometimes does not end after the guest did; by then everything has been written. */
const EXIT_GRACE_MS = 3000;
const UNWATCHED_POLL_MS = 1000;

/** Connects the socket and the process's own signals with the guest. */
export async function takeControl(spec: MachineSpec, controlFd: number | undefined): Promise<void> {
  let isStopping = false;

  function stop(signal = spec.stopSignal): void {
    // Any other signal may mean anything to the guest's command.
    isStopping ||= signal === spec.stopSignal;
    // libkrun 1.x has no way to ask a guest that runs without krun's script.
    if (controlFd === undefined) endProcess();
    else sendSignal(controlFd, signal);
  }

  process.on('SIGTERM', () => stop());
  process.on('SIGINT', () => stop());
  // Whoever closes a terminal or ends a session does not end detached machines.
  process.on('SIGHUP', () => undefined);
  await serveControl(spec.controlSocket, {
    isStopping: () => isStopping,
    stop,
    hardStop: endProcess,
  });
  endWithGuest(spec.files.status);
}

function sendSignal(controlFd: number, signal: string): void {
  write(controlFd, `signal ${signal.replace(/^SIG/, '')}\n`, (error) => {
    if (error) process.stderr.write(`krun: cannot reach the guest's control port: ${error.message}\n`);
  });
}

/** Ends the machine at once. */
export function endProcess(): void {
  performLastActs('process');
  process.kill(process.pid, 'SIGKILL');
}

/** Ends the process when the guest has ended, and when the project's state was deleted: nobody would find it any more. */
function endWithGuest(statusFile: string): void {
  // It must exist to be watched.
  closeSync(openSync(statusFile, 'a', 0o600));
  let timer: NodeJS.Timeout | undefined;
  const check = (): void => {
    if (!existsSync(statusFile)) return endProcess();
    if (parseStatus(readStatus(statusFile)).exitCode === undefined) return;
    watch.close();
    clearInterval(timer);
    performLastActs('guest');
    setTimeout(endProcess, EXIT_GRACE_MS);
  };
  const watch = watchPath(statusFile, check);
  // A user has 128 watchers on most systems, and more machines than that are possible.
  if (!watch.active) timer = setInterval(check, UNWATCHED_POLL_MS);
}
