import { readFileSync } from 'node:fs';
import path from 'node:path';
import { claimRun, isWanted } from '../host/claim-run.ts';
import { ignoreErrno } from '../host/errno.ts';
import { watchPath } from '../host/watch.ts';
import { serveControl } from './control-server.ts';
import { createNetwork } from './create-network.ts';
import { NetworkLog } from './network-log.ts';
import { NETWORK_SPEC_VERSION, type NetworkSpec } from './spec.ts';

/** Whatever still hangs at the end is not worth more time; gvproxy ends with this process. */
const STOP_MS = 8000;
/** Where the system gives no notifications. */
const UNWATCHED_POLL_MS = 1000;

/** `node dist/network.js SPEC`: runs one network in this process. */
async function main(): Promise<void> {
  // Sockets and files are for their owner, also those that gvproxy makes.
  process.umask(0o077);
  // Whoever listened may be gone; a network does not end for that.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => ignoreErrno(error, 'EPIPE', 'EIO'));
  }
  // Whoever closes a terminal or ends a session does not end detached networks.
  for (const signal of ['SIGHUP', 'SIGINT'] as const) process.on(signal, () => undefined);

  const spec = readSpec(process.argv[2]);
  if (!claimRun(spec)) return;
  const log = new NetworkLog(spec.logFile, spec.run);
  process.on('uncaughtExceptionMonitor', (error) => log.say(`Internal error: ${error.stack}`));

  const network = createNetwork(spec, log);
  let stopping: Promise<void> | undefined;
  const stop = (why: string): void => {
    stopping ??= end(why);
  };
  async function end(why: string): Promise<void> {
    log.say(`the network ends: ${why}`);
    setTimeout(() => process.exit(0), STOP_MS).unref();
    watch.close();
    server.close();
    server.closeAllConnections();
    await network.close();
    process.exit(0);
  }
  const server = await serveControl(spec.controlSocket, network, () => stop('it was asked to'));
  const watch = watchIntent(spec, () => {
    log.giveUp();
    stop('it is not wanted any more');
  });
  process.on('SIGTERM', () => stop('SIGTERM'));
  network.start();
  process.stdout.write('listening\n');
}

function readSpec(file: string | undefined): NetworkSpec {
  if (file === undefined) throw new Error('usage: network.js SPEC');
  const spec = JSON.parse(readFileSync(file, 'utf8')) as NetworkSpec;
  if (spec.version !== NETWORK_SPEC_VERSION) {
    throw new Error(
      `${file} is of version ${spec.version}; this is krun's network process ${NETWORK_SPEC_VERSION}`,
    );
  }
  return spec;
}

/** Calls back when the run is revoked, also by somebody who deletes the project's state: nobody would find it again. */
function watchIntent(spec: NetworkSpec, revoked: () => void): { close(): void } {
  const check = (): void => {
    if (!watch.active) timer ??= setInterval(check, UNWATCHED_POLL_MS);
    if (!isWanted(spec)) revoked();
  };
  let timer: NodeJS.Timeout | undefined;
  const watch = watchPath(path.dirname(spec.intentFile), check);
  // It may have been revoked since the claim, when nobody watched.
  check();
  return {
    close: () => {
      watch.close();
      clearInterval(timer);
    },
  };
}

await main();
