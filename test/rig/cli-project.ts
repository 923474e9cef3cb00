import { createRig, type Rig, type RigOptions } from './support/rig.ts';

/** A rig with a root that has a shell, and a krun.yaml of the given machines. */
export async function createCliRig(machines: string, options: RigOptions = {}): Promise<Rig> {
  const rig = await createRig(options);
  await rig.write('root/bin/sh', '#!/bin/sh\n', 0o755);
  await writeMachines(rig, machines);
  return rig;
}

/** Replaces krun.yaml. Its machines have no network unless the text says one: that would depend on what is installed. */
export async function writeMachines(rig: Rig, machines: string): Promise<void> {
  const networks = /^networks:/m.test(machines) ? '' : 'networks: { default: { driver: none } }\n';
  await rig.write('krun.yaml', `name: demo\nmachines:\n${machines}${networks}`);
}

/** One machine of krun.yaml that runs a shell script. */
export function machine(name: string, script: string, more: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({
    root: './root',
    command: JSON.stringify(['/bin/sh', '-c', script]),
    ...more,
  });
  return [`  ${name}:`, ...lines.map(([key, value]) => `    ${key}: ${value}`), ''].join('\n');
}

/** Prints a line and stays. */
export const SERVICE = 'echo ready; while :; do sleep 1; done';
