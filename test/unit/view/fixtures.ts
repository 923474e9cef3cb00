import type { Machine } from '../../../src/project/project.ts';
import { machineDefinition } from '../../support/definitions.ts';

/** A machine with a secret, for views. */
export function exampleMachine(name: string, more: Partial<Machine> = {}): Machine {
  return machineDefinition(name, {
    root: { kind: 'directory', path: '/srv/root' },
    command: ['/bin/httpd', '-f'],
    environment: { TOKEN: 'secret' },
    ...more,
  });
}
