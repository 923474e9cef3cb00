import { expect, it } from 'vitest';
import { consolePorts } from '../../../src/machine/console-ports.ts';
import { bootstrapGuest } from './specs.ts';

it('terminals and all that is found by its name are among the 31 ports that libkrun tells of', () => {
  const sessions = { slots: 100, terminals: 6 };
  for (const more of [{ tty: true }, { stdinOpen: true }]) {
    const ports = consolePorts(bootstrapGuest({ sessions, ...more }));
    const late = ports.slice(31).map(({ name }) => name);
    expect(late.filter((name) => !/^[de]\d+$/.test(name))).toEqual([]);
    expect(ports.length).toBeGreaterThan(200);
  }
});
