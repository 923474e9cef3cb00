import { describe, expect, it } from 'vitest';
import { FUNCTION_NAMES } from '../../../src/libkrun/availability.ts';
import { krunError, krunErrorText } from '../../../src/libkrun/errno.ts';
import { MEANINGS } from '../../../src/libkrun/errno-meanings.ts';
import { KrunError } from '../../../src/libkrun/errors.ts';

/** Numbers that both systems give to the same error, and one that neither knows. */
const NUMBERS = [1, 2, 12, 13, 17, 19, 20, 22, 24, 25, 200];

describe('a refused call', () => {
  it('says what it means and what to do, whatever the call and the number', () => {
    for (const call of FUNCTION_NAMES) {
      for (const number of NUMBERS) {
        const error = new KrunError(krunError(call, -number, 'linux'));
        expect(error.meaning, `${call} ${number}`).toMatch(/^\S.*[^.]$/);
        expect(error.hint, `${call} ${number}`).toMatch(/^\S.*[^.]$/);
        expect(error.number).toBe(number);
        expect(error.message).toBe(`${error.meaning} (${call}: ${error.errno})`);
      }
    }
  });

  it('has words of its own for each error that the call is known to end with', () => {
    for (const [call, meanings] of Object.entries(MEANINGS)) {
      for (const errno of Object.keys(meanings)) expect(errno, call).toMatch(/^E[A-Z]+$/);
    }
    expect(krunErrorText(krunError('krun_start_enter', -2, 'linux'))).toBe(
      'libkrun did not find libkrunfw, the library with the guest kernel (krun_start_enter: ENOENT)',
    );
    expect(krunErrorText(krunError('krun_set_port_map', -19, 'linux'))).toBe(
      'ports cannot be published while the guest has no network (krun_set_port_map: ENODEV)',
    );
    expect(krunError('krun_add_vsock_port2', -17, 'linux').hint).toBe(
      'remove it if no machine uses it: libkrun leaves its sockets behind',
    );
  });

  it('is numbered by the system that libkrun runs on', () => {
    expect(krunError('krun_set_root', -95, 'linux').errno).toBe('EOPNOTSUPP');
    expect(krunError('krun_set_root', -45, 'darwin').errno).toBe('ENOTSUP');
    expect(krunError('krun_set_root', -45, 'darwin').meaning).toBe('this build of libkrun lacks the feature');
    expect(krunError('krun_set_root', -45, 'linux').errno).toBe('errno 45');
    expect(krunError('krun_display_set_refresh_rate', -114, 'linux').errno).toBe('EALREADY');
    expect(krunError('krun_display_set_refresh_rate', -37, 'darwin').errno).toBe('EALREADY');
  });
});
