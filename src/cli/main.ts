import { isatty } from 'node:tty';
import type { Host, Interrupts, Output } from './context.ts';
import { tellError } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { wantsColor } from './global-options.ts';
import { internalError, runCommandLine } from './run.ts';

const host = createHost();
endWithTheReader(process.stdout);
endWithTheReader(process.stderr);
process.on('uncaughtException', (error) => process.exit(internalError(host, error)));
void runCommandLine(process.argv.slice(2), host).then((code) => (process.exitCode = code));

function createHost(): Host {
  return {
    stdin: process.stdin,
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    env: process.env,
    cwd: workingDirectory(),
    uid: process.getuid?.() ?? 0,
    platform: process.platform,
    self: process.argv.slice(0, 2),
    interrupts: createInterrupts(),
    now: Date.now,
  };
}

/** The directory may be deleted by now; by the shell's name for it, a project above is still found. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return process.env['PWD'] || '/';
  }
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

/** `krun logs | head` ends the reader first; that is no failure of ours. A file on a full disk fails. */
function endWithTheReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    if (stream !== process.stderr) tellError(host, `cannot write the output: ${error.code ?? error.message}`);
    process.exit(EXIT.failure);
  });
}

function createInterrupts(): Interrupts {
  const listeners: ((signal: NodeJS.Signals) => void)[] = [];
  const receive = (signal: 'SIGINT' | 'SIGTERM') => {
    const newest = listeners.at(-1);
    if (newest) newest(signal);
    else process.exit(signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated);
  };
  process.on('SIGINT', () => receive('SIGINT'));
  process.on('SIGTERM', () => receive('SIGTERM'));
  return {
    listen(onSignal, others = []) {
      listeners.push(onSignal);
      for (const signal of others) process.on(signal, onSignal);
      return () => {
        for (const signal of others) process.off(signal, onSignal);
        const index = listeners.indexOf(onSignal);
        if (index !== -1) listeners.splice(index, 1);
      };
    },
  };
}
