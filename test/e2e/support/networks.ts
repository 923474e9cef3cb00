import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import type { Rig } from '../../rig/support/rig.ts';
import { until } from '../../rig/support/until.ts';
import { createMachines } from './machines.ts';

const run = promisify(execFile);

/** Everything that is asked over a network may take that long where processors are emulated. */
const PATIENCE_MS = 60_000;

/** Ports of the guests: a page that names its machine, TCP echo, UDP echo with `udp ` before it, and a shell. */
export const GUEST = { page: 80, echo: 7, udp: 9, shell: 2323 } as const;

const SERVE = `#!/bin/sh
www=/tmp/$(hostname)
mkdir -p $www
echo "page of $(hostname)" >$www/index.html
httpd -p ${GUEST.page} -h $www
nc -ll -p ${GUEST.echo} -e cat &
nc -ll -p ${GUEST.shell} -e sh &
guest-net udp-echo ${GUEST.udp} &
echo serving
exec sleep inf
`;

const MKNET = `#!/bin/sh
set -eu
./mkroot.sh
cp guest-net rootfs/bin/guest-net
cp serve.sh rootfs/serve.sh
`;

/** A machine of krun.yaml that serves what {@link GUEST} names. */
export function serving(more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    root: './rootfs',
    build: { command: ['./mknet.sh'], inputs: ['mknet.sh', 'guest-net', 'serve.sh'] },
    memory: '200MiB',
    // Three boots at once share two emulated processors.
    boot_timeout: '150s',
    command: ['/bin/sh', '/serve.sh'],
    ...more,
  };
}

/** A project whose guests are made by {@link serving}. krun.yaml is JSON, which is YAML too. */
export async function createNetworkProject(
  context: Pick<TestContext, 'onTestFailed'>,
  config: unknown,
  env: Readonly<Record<string, string>> = {},
): Promise<Rig> {
  const files = { 'krun.yaml': JSON.stringify(config, undefined, 1), 'serve.sh': SERVE };
  const project = await createMachines(context, { files, env });
  await project.write('mknet.sh', MKNET, 0o755);
  await cp(await guestProgram(), path.join(project.directory, 'guest-net'));
  return project;
}

let program: Promise<string> | undefined;

/** Compiles guest-net.c, once for the file of tests. */
function guestProgram(): Promise<string> {
  program ??= (async () => {
    const file = path.join(await mkdtemp(path.join(os.tmpdir(), 'krun-guest-net-')), 'guest-net');
    const source = path.join(import.meta.dirname, 'guest-net.c');
    await run(process.env['CC'] || 'cc', [
      '-static',
      '-O1',
      '-Wall',
      '-Wextra',
      '-Werror',
      '-o',
      file,
      source,
    ]);
    return file;
  })();
  return program;
}

export async function removeGuestProgram(): Promise<void> {
  if (program) await rm(path.dirname(await program), { recursive: true });
}

/** Different free TCP ports of the host's loopback, which are free for UDP too in all likelihood. */
export function freePorts(count: number): Promise<readonly number[]> {
  return Promise.all(Array.from({ length: count }, () => freePort()));
}

/** What an HTTP server answers, as soon as one does. */
export async function page(url: string): Promise<string> {
  let problem = '';
  let body: string | undefined;
  await until(
    async () => {
      try {
        body = await (await fetch(url, { signal: AbortSignal.timeout(10_000) })).text();
        return true;
      } catch (error) {
        // Nobody listens yet, or behind a forwarder that accepts at once.
        problem = `${(error as Error).message}: ${((error as Error).cause as Error | undefined)?.message}`;
        return false;
      }
    },
    { timeoutMs: PATIENCE_MS, everyMs: 200 },
  );
  if (body === undefined) throw new Error(`${url} gave no page in ${PATIENCE_MS} ms; at last: ${problem}`);
  return body;
}

/** What a UDP service answers to a datagram, which is sent again while nothing comes. */
export async function ask(port: number, word: string): Promise<string> {
  const socket = createSocket('udp4');
  try {
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    let answer = '';
    let problem = 'no answer';
    socket.on('message', (data) => (answer = data.toString()));
    // Nothing listens yet: the kernel says so to the next call.
    socket.on('error', (error) => (problem = error.message));
    const asked = async (): Promise<boolean> => {
      if (answer === '') socket.send(word);
      return answer !== '';
    };
    if (!(await until(asked, { timeoutMs: PATIENCE_MS, everyMs: 500 }))) {
      throw new Error(`UDP port ${port}: ${problem} in ${PATIENCE_MS} ms`);
    }
    return answer;
  } finally {
    socket.close();
  }
}

/** Runs a script in a guest, over the published port of its shell; both outputs and a last line with its status. */
export async function inGuest(port: number, script: string): Promise<string> {
  const marker = '--- status ';
  const once = async (): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`no answer in ${PATIENCE_MS} ms`)));
    let output = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (/--- status \d+\n/.test(output)) socket.end();
    });
    socket.write(`( ${script}\n) 2>&1 </dev/null; echo "${marker}$?"; exit\n`);
    await closed(socket);
    return output;
  };
  let output = '';
  let problem = 'the connection was closed';
  const answered = async (): Promise<boolean> => {
    try {
      output = await once();
    } catch (error) {
      problem = (error as Error).message;
    }
    return output.includes(marker);
  };
  if (!(await until(answered, { timeoutMs: PATIENCE_MS, everyMs: 300 }))) {
    throw new Error(`the shell at port ${port} did not run ${JSON.stringify(script)}: ${problem}\n${output}`);
  }
  return output.replace(marker, 'status ');
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => socket.once('error', reject).once('close', () => resolve()));
}

/** An open connection to an echo service. */
export interface Conversation extends Disposable {
  /** Sends a line and waits for it to come back. */
  say(line: string): Promise<void>;
}

export async function converse(port: number): Promise<Conversation> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let heard = '';
  let end = '';
  socket.setEncoding('utf8').on('data', (text: string) => (heard += text));
  socket.once('error', (error) => (end = error.message)).once('close', () => (end ||= 'closed'));
  return {
    async say(line) {
      socket.write(`${line}\n`);
      const over = (): boolean => end !== '' || heard.includes(`${line}\n`);
      await until(over, { timeoutMs: PATIENCE_MS });
      if (!heard.includes(`${line}\n`))
        throw new Error(`"${line}" did not come back (${end || 'no answer'})`);
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** A web server on the host's own loopback. */
export async function hostServer(body: string): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer((_request, response) => response.end(body));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
