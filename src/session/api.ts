/**
 * Sessions: commands beside the workload of a running guest. A client sends `POST /sessions` with
 * `Upgrade: krun-session` and a {@link SessionRequest} as JSON body to the machine's control socket. The answer is
 * `101`, and from then on both sides send frames: one byte of {@link FRAME}, a 4-byte big-endian length, the payload.
 * `409` with `{"kind", "error", "hint"?}` where the guest has no agent, or has not reported in; `400` for a request that
 * cannot be carried out. The request must be the first one of its connection.
 *
 * A session outlives neither its client (unless detached) nor its machine, and needs no supervisor.
 */
export interface SessionRequest {
  /** At least one word, started without a shell. */
  readonly command: readonly string[];
  /** Added to the environment of the workload. */
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute path in the guest; the machine's own `working_dir` when absent. */
  readonly workingDir?: string;
  /** `NAME|UID[:GROUP|GID]`; the machine's own `user` when absent. */
  readonly user?: string;
  /** Whether the client sends input; `/dev/null` otherwise. Always with a terminal. */
  readonly stdin: boolean;
  /** A terminal of its own, of that size; output then comes as `stdout` alone. */
  readonly terminal?: TerminalSize & { readonly term: string };
  /** The session goes on without the client, and its output is dropped. */
  readonly detached?: boolean;
  /** A short command that must not wait for long ones, such as a probe: the last free slot is kept for these. */
  readonly urgent?: boolean;
  /** A guest without a command of its own ends with the session, with its exit code; also where the client has gone. */
  readonly endsGuest?: boolean;
}

/**
 * Joins the machine's own command instead of starting one; sent like a {@link SessionRequest}. `stdin` frames are its
 * input; with a terminal its output comes as `stdout` from now on, and otherwise is in the machine's log alone. There is
 * no `stdinEnd`: the next client may send more. Refused where the command has neither terminal nor input.
 */
export interface AttachRequest {
  readonly attach: true;
  /** For a command that has a terminal. */
  readonly terminal?: TerminalSize;
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** Kinds of frames, with their payload. */
export const FRAME = {
  /** To the guest: bytes. */
  stdin: 0,
  /** From the guest: bytes. */
  stdout: 1,
  stderr: 2,
  /** To the guest: no more input; empty. */
  stdinEnd: 3,
  /** To the guest: name of a signal for the command's process group. */
  signal: 4,
  /** To the guest: {@link TerminalSize} as JSON. */
  resize: 5,
  /** From the guest: the command is running; empty. */
  started: 6,
  /** From the guest, last: {@link SessionEnd} as JSON. */
  end: 7,
  /** From the guest: so many bytes of input, a 4-byte big-endian number, are on their way to the command. */
  taken: 8,
  /** To the guest: the session goes on without the client, which leaves, as if it had been detached; empty. */
  detach: 9,
} as const;

export interface SessionEnd {
  /** 128 + N for a command that signal N ended; null where nobody knows. */
  readonly exitCode: number | null;
  /** Why there is no command of that name, user or directory, or no exit code. */
  readonly error?: string;
  readonly hint?: string;
}

/**
 * Most bytes of input that a client has sent and that are not {@link FRAME.taken} yet. So signals and sizes never wait
 * behind input that the command does not read.
 */
export const INPUT_WINDOW_BYTES: number = 1024 * 1024;

/** Longest payload of a frame. */
export const LONGEST_FRAME_BYTES: number = 1024 * 1024;
