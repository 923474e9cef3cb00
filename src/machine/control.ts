import { readFileSync, watch, write } from 'node:fs';
import { serveControl } from './control-server.ts';
import type { MachineSpec } from './spec.ts';
import { parseStatus } from './status-file.ts';

/** libkrun 1.17 sometimes does not end after the guest did; by then everything has been written. */
const EXIT_GRACE_MS = 3000;

/** Connects the socket and the process's own signals with the guest. */
export async function takeControl(spec: MachineSpec, controlFd: number | undefined): Promise<void> {
  let isStopping = false;

  function stop(signal = spec.stopSignal): void {
    isStopping = true;
    // libkrun 1.x has no way to ask a guest that runs without krun's script.
    if (controlFd === undefined) hardStop();
    else sendSignal(controlFd, signal);
  }

  process.on('SIGTERM', () => stop());
  process.on('SIGINT', () => stop());
  // Whoever closes a terminal or ends a session does not end detached machines.
  process.on('SIGHUP', () => undefined);
  await serveControl(spec.controlSocket, { isStopping: () => isStopping, stop, hardStop });
  if (controlFd !== undefined) endWithGuest(spec.files.status);
}

function sendSignal(controlFd: number, signal: string): void {
  write(controlFd, `signal ${signal.replace(/^SIG/, '')}\n`, (error) => {
    if (error) process.stderr.write(`krun: cannot reach the guest's control port: ${error.message}\n`);
  });
}

function hardStop(): void {
  process.kill(process.pid, 'SIGKILL');
}

function endWithGuest(statusFile: string): void {
  const watcher = watch(statusFile, () => {
    if (parseStatus(readFileSync(statusFile, 'utf8')).exitCode === undefined) return;
    watcher.close();
    setTimeout(hardStop, EXIT_GRACE_MS);
  });
}
