import { describe, expect, it } from 'vitest';
import { selfHangOutcome } from '../../../src/machine/outcome.ts';
import { outcome, told } from './outcomes.ts';

const STARTED = 'krun-start 1795191874657\n';

describe('a guest that boots by itself', () => {
  const self = { guest: 'self', root: 'none', status: STARTED } as const;
  /** What Debian's kernel really printed on its serial port under libkrun 1.17.4. */
  const halted = '[    9.731522] reboot: Power off not available: System halted instead\r\n';
  const panicked = '[    9.902733] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\n';

  it('does not say how it ended', () => {
    expect(outcome({ ...self, code: 0 })).toBe(
      'exited: unknown, a guest that boots by itself does not say how it ended',
    );
    expect(outcome({ ...self, code: 1 })).toBe(
      'exited: unknown, a guest that boots by itself does not say how it ended (libkrun ended with exit code 1)',
    );
  });

  it('was powered off where a signal ended its process', () => {
    expect(outcome({ ...self, signal: 'SIGKILL' })).toBe('exited: unknown, SIGKILL');
  });

  it('never was one where the process ended before it started', () => {
    expect(outcome({ ...self, status: '', code: 0 })).toContain('failed: the machine process ended before');
  });

  it('has the last words of its kernel as the reason', () => {
    const expected =
      'exited: unknown, the guest kernel panicked: Attempted to kill init! exitcode=0x00000100';
    expect(outcome({ ...self, code: 0, output: panicked })).toBe(expected);
    expect(
      told(
        selfHangOutcome(
          `${panicked}[    9.9] ---[ end Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100 ]---\n`,
        ),
      ),
    ).toBe(expected);
  });

  it.each([halted, '[    9.731522] reboot: Power down\r\n', 'reboot: System halted\n'])(
    'has ended with %j, which ends no machine',
    (said) => {
      expect(told(selfHangOutcome(`booted\n${said}`))).toBe(
        'exited: unknown, the guest was halted; how it ended is not known',
      );
    },
  );

  it.each(['[    1.0] Run /init as init process\n', 'echo reboot: System halted\n', panicked])(
    'goes on after %j',
    (said) => {
      expect(selfHangOutcome(said)).toBeUndefined();
    },
  );
});
