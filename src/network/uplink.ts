import type { Duplex } from 'node:stream';
import type { NetworkState, Refusal } from './api.ts';

/** What a network needs of its way out. */
export interface UplinkKeeper {
  start(): void;
  /** The status now, with the reason where it is not ready. */
  readonly phase: UplinkPhase;
  readonly helper: NetworkState['helper'];
  /** Resolves as soon as the uplink is ready or has failed, or when the time is over. */
  settled(timeoutMs: number): Promise<UplinkPhase>;
  stop(): Promise<void>;
}

export type UplinkPhase =
  | { readonly status: 'starting' }
  | { readonly status: 'ready' }
  | ({ readonly status: 'recovering' | 'failed' } & Refusal);

/** What is called when a new helper has come up. */
export interface UplinkEvents {
  /** Takes its link over. */
  readonly connected: (link: Duplex) => void;
  /** Opens the published ports with a helper that has none. */
  readonly restore: () => Promise<void>;
  /** Called while all is well, at the pace of the health check. */
  readonly healthy: () => Promise<void>;
  readonly say: (text: string) => void;
}

/** Members have links of their own: there is nothing to keep. */
export const NO_UPLINK: UplinkKeeper = {
  start: () => undefined,
  phase: { status: 'ready' },
  helper: undefined,
  settled: () => Promise.resolve({ status: 'ready' }),
  stop: () => Promise.resolve(),
};
