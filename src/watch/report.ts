import type { WatchAction } from '../project/project.ts';

/** What a rule of `develop.watch` is called in messages. */
export interface RuleName {
  readonly machine: string;
  readonly action: WatchAction;
  /** Path on the host, from the project's directory where it lies in it. */
  readonly path: string;
  readonly target?: string;
}

/** What watching has done or met; views render nothing else. */
export type WatchReport =
  /** Everything is watched. */
  | { readonly type: 'watch-ready'; readonly rules: number; readonly files: number }
  /** One thing that a cycle did. */
  | {
      readonly type: 'watch-step';
      readonly rule: RuleName;
      readonly step: 'sync' | 'exec' | 'restart' | 'rebuild';
      /** Files that caused it, below the rule's path; the first few. */
      readonly causes: readonly string[];
      /** Files of the cause, or of the first comparison with the guest. */
      readonly files: number;
      readonly deleted: number;
      readonly bytes: number;
      /** Whether the whole tree was compared with the guest's. */
      readonly isWhole: boolean;
      readonly command?: readonly string[];
      readonly ms: number;
    }
  | {
      readonly type: 'watch-failed';
      readonly rule: RuleName;
      readonly step: 'sync' | 'exec' | 'restart' | 'rebuild';
      readonly message: string;
      readonly hint?: string;
      /** Last lines of a command's output. */
      readonly output?: readonly string[];
      readonly ms: number;
    }
  /** The rule drives itself by that file, and does nothing more. */
  | { readonly type: 'watch-paused'; readonly rule: RuleName; readonly file: string }
  /** The machine does not run: the rules wait for it. */
  | { readonly type: 'watch-waiting'; readonly machine: string }
  | { readonly type: 'watch-trouble'; readonly message: string; readonly hint?: string }
  /** What became of an edit of the project's files. */
  | {
      readonly type: 'watch-project';
      readonly result: 'invalid' | 'applied' | 'same' | 'failed';
      /** As `krun.yaml`. */
      readonly files: readonly string[];
      readonly ms: number;
    };
