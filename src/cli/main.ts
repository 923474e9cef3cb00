import { isatty } from 'node:tty';
import type { Host, Interrupts, Output } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { wantsColor } from './global-options.ts';
import { internalError, runCommandLine } from './run.ts';

const host = createHost();
endQuietlyWithoutReader(process.stdout);
endQuietlyWithoutReader(process.stderr);
process.on('uncaughtException', (error) => process.exit(internalError(host, error)));
process.exitCode = await runCommandLine(process.argv.slice(2), host);

function createHost(): Host {
  return {
    stdin: process.stdin,
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    env: process.env,
    cwd: process.cwd(),
    uid: process.getuid?.() ?? 0,
    platform: process.platform,
    self: process.argv.slice(0, 2),
    interrupts: createInterrupts(),
    now: Date.now,
  };
}

function outputOf(stream: NodeJS.WriteStream & { readonly fd: number }): Output {
  const isTty = isatty(stream.fd);
  return {
    stream,
    isTty,
    color: wantsColor('auto', process.env, isTty),
    columns: (isTty && stream.columns) || undefined,
  };
}

/** `krun logs | head` ends the reader first; that is no failure of ours. */
function endQuietlyWithoutReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
}

function createInterrupts(): Interrupts {
  const listeners: ((signal: 'SIGINT' | 'SIGTERM') => void)[] = [];
  const receive = (signal: 'SIGINT' | 'SIGTERM') => {
    const newest = listeners.at(-1);
    if (newest) newest(signal);
    else process.exit(signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated);
  };
  process.on('SIGINT', () => receive('SIGINT'));
  process.on('SIGTERM', () => receive('SIGTERM'));
  return {
    listen(onSignal) {
      listeners.push(onSignal);
      return () => {
        const index = listeners.indexOf(onSignal);
        if (index !== -1) listeners.splice(index, 1);
      };
    },
  };
}
