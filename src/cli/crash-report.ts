import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KRUN_VERSION } from './build-constants.ts';
import type { Host } from './context.ts';

/** Writes what is known about a bug into a file and returns its path; a reason where that failed as well. */
export function writeCrashReport(host: Host, error: unknown): string {
  const time = new Date(host.now()).toISOString();
  const text = [
    `krun ${KRUN_VERSION}, node ${process.version}, ${host.platform} ${process.arch}`,
    `time ${time}`,
    `directory ${host.cwd}`,
    '',
    stackOf(error),
    '',
  ].join('\n');
  const name = `crash-${time.replaceAll(/[:.]/g, '-')}-${process.pid}.log`;
  const file = path.join(reportDirectory(host), name);
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
    return file;
  } catch (failure) {
    // The error itself matters more than its report.
    return `not written: ${failure instanceof Error ? failure.message : String(failure)}`;
  }
}

function reportDirectory(host: Host): string {
  const state = path.join(host.cwd, '.krun');
  return existsSync(state) ? state : host.env['TMPDIR'] || tmpdir();
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
