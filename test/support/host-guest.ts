import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { ok } from '../../src/base/result.ts';
import type { OpenSession } from '../../src/copy/session.ts';
import type { SessionEnd } from '../../src/session/api.ts';

/** A userland that a guest may have. */
export interface Userland {
  readonly name: string;
  /** Takes the place of `/bin/sh`. */
  readonly shell: readonly string[];
  readonly path: string;
}

/** Stands in for a guest: its commands run on this host, as who runs the test. */
export function hostGuest({ shell, path }: Userland, calls: string[] = []): OpenSession {
  return async (request) => {
    const [first, ...rest] = request.command;
    if (first !== '/bin/sh') throw new Error(`the stand-in has no ${first}`);
    calls.push(rest.slice(2).join(' '));
    const [program = '', ...args] = [...shell, ...rest];
    const child = spawn(program, args, {
      cwd: request.workingDir ?? '/',
      env: { PATH: path, ...request.environment },
      stdio: 'pipe',
    });
    // As in a session: what comes after the end is dropped.
    child.stdin.on('error', () => undefined);
    const end = once(child, 'close').then(([code, signal]): SessionEnd => {
      return signal === null ? { exitCode: code as number } : { exitCode: null, error: `ended by ${signal}` };
    });
    const { stdin, stdout, stderr } = child;
    const close = (): void => {
      child.kill('SIGKILL');
      stdin.destroy();
      for (const stream of [stdout, stderr]) stream.resume();
    };
    return ok({ stdin, stdout, stderr, end, close });
  };
}

/** The userlands of this host: GNU tools under dash, and busybox where it is installed. */
export function userlands(directory: string): readonly Userland[] {
  const gnu: Userland = { name: 'gnu', shell: ['/bin/sh'], path: '/usr/bin:/bin' };
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((file) => existsSync(file));
  return busybox === undefined ? [gnu] : [gnu, busyboxUserland(busybox, path.join(directory, 'busybox'))];
}

function busyboxUserland(program: string, directory: string): Userland {
  mkdirSync(directory, { recursive: true });
  const applets = spawnSync(program, ['--list'], { encoding: 'utf8' }).stdout.trim().split('\n');
  for (const applet of applets) {
    if (!existsSync(path.join(directory, applet))) symlinkSync(program, path.join(directory, applet));
  }
  return { name: 'busybox', shell: [path.join(directory, 'sh')], path: directory };
}

/** A userland that lacks some tools. */
export function without(userland: Userland, tools: readonly string[], directory: string): Userland {
  const bin = path.join(directory, `without-${tools.join('-')}`);
  mkdirSync(bin, { recursive: true });
  for (const tool of ['tar', 'mkdir', 'mv', 'rm', 'readlink']) {
    const file = userland.path
      .split(':')
      .map((part) => path.join(part, tool))
      .find((each) => existsSync(each));
    if (file !== undefined && !tools.includes(tool)) symlinkSync(file, path.join(bin, tool));
  }
  // The shell of busybox has the others built in.
  return { ...userland, shell: ['/bin/sh'], path: bin };
}
