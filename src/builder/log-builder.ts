import type { Fd } from '../vm/calls.ts';
import { LOG_LEVELS, LOG_STYLES } from '../vm/constants.ts';
import type { VmLog } from '../vm/vm.ts';
import { descriptor, oneOf } from './checks.ts';
import { mistake } from './error.ts';
import { Part } from './part.ts';

export type LogLevelName = keyof typeof LOG_LEVELS;

/** Standard error, warnings, no colours; `RUST_LOG` is not asked. */
export const LOG: VmLog = { target: -1, level: LOG_LEVELS.warn, ignoreEnvironment: true };

/** libkrun's log, which is one for the whole process: what is said first holds. */
export class LogBuilder extends Part<VmLog> {
  /** `warn` when not said. Below `error` libkrun does not say why a machine could not be built. */
  level(level: LogLevelName): this {
    return this.with({ level: LOG_LEVELS[level] }, oneOf('log.level', level, Object.keys(LOG_LEVELS)));
  }

  /** Open file to write to; standard error when not said. */
  target(fd: Fd): this {
    return this.with(
      { target: fd },
      fd === 0 ? mistake('log.target', 'libkrun takes no log to file 0') : descriptor('log.target', fd, true),
    );
  }

  /** Lets `RUST_LOG`, where it is set, decide in place of the level. */
  useEnvironment(enabled = true): this {
    return this.with({ ignoreEnvironment: !enabled });
  }

  /** Whether the log is coloured: `auto` asks whether the target is a terminal. */
  style(style: keyof typeof LOG_STYLES): this {
    return this.with({ style }, oneOf('log.style', style, Object.keys(LOG_STYLES)));
  }
}
