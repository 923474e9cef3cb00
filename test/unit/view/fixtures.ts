import type { Machine } from '../../../src/project/project.ts';

/** A machine with every field set, for views. */
export function exampleMachine(name: string, more: Partial<Machine> = {}): Machine {
  return {
    name,
    kind: 'service',
    cpus: 1,
    memoryMiB: 512,
    root: { kind: 'directory', path: '/srv/root' },
    command: ['/bin/httpd', '-f'],
    environment: { TOKEN: 'secret' },
    workingDir: '/',
    hostname: name,
    rlimits: [],
    disks: [],
    shares: [],
    network: { driver: 'none' },
    dependsOn: {},
    restart: { policy: 'no' },
    stopSignal: 'SIGTERM',
    stopGracePeriodMs: 10_000,
    bootTimeoutMs: 30_000,
    agent: true,
    logs: { maxBytes: 10_000_000, maxFiles: 3 },
    libkrun: { logLevel: 'warn' },
    ...more,
  };
}
