/**
 * Every exit code of krun, in one place; README.md shows the same table. `--exit-code-from`, `--abort-on-exit` and
 * `wait` may return any code that a guest ended with.
 */
export const EXIT = {
  /** Done, also after the first Ctrl-C of an attached `up`. */
  ok: 0,
  /** Something was tried and failed. */
  failure: 1,
  /** Wrong command line or wrong krun.yaml; nothing was started. */
  usage: 2,
  /** `plan`: there is something to do. */
  pending: 3,
  /** A bug in krun; the report file is named. */
  internal: 70,
  /** `--wait-timeout` passed. */
  timeout: 124,
  /** A machine's exit code was asked for and nobody knows it. Never reported as 0. */
  unknownExit: 125,
  /** The terminal of a command in a guest was closed: SIGHUP. */
  hungUp: 129,
  /** Interrupted by Ctrl-C; for an attached `up`, by the second one. */
  interrupted: 130,
  /** Ended by SIGTERM. */
  terminated: 143,
} as const;

/** What a command returns; also any guest's exit code. */
export type ExitCode = number;
