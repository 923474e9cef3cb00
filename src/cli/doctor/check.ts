/** One thing that `krun doctor` looked at. */
export interface Check {
  /** Stable name for scripts, such as `kvm`. */
  readonly id: string;
  /** `missing` is a helper that only some projects need; it does not make doctor fail. */
  readonly status: 'ok' | 'missing' | 'warning' | 'failed';
  /** What was found, in one line. */
  readonly detail: string;
  /** What to do. */
  readonly hint?: string;
}

/** What a check may find; absent values are unknown. */
export interface DoctorHost {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  readonly nodeVersion: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}
