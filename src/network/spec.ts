import type { HelperPaths } from '../project/project.ts';

/** Version of the contract between the supervisor and a network process. */
export const NETWORK_SPEC_VERSION = 1;

/**
 * All that one network process needs, as a 0600 JSON file; `dist/network.js SPEC` is its whole command line. It is
 * started by the crash protocol of machine processes (src/supervisor/run-lifetime.ts) and lives while a member does.
 */
export interface NetworkSpec {
  readonly version: typeof NETWORK_SPEC_VERSION;
  readonly project: string;
  readonly network: string;
  readonly run: number;
  /** JSON `{"run": n}`; the process ends when it names another run, or is gone. */
  readonly intentFile: string;
  /** Where the process writes its ProcessIdentity before anything else. */
  readonly identityFile: string;
  /** Unix socket of src/network/api.ts. */
  readonly controlSocket: string;
  /** Unix sockets that only this network's own parts use; short paths. */
  readonly sockets: { readonly gvproxyApi: string; readonly gvproxyLink: string };
  /** `log.jsonl` of the network: what the process and its helper say. */
  readonly logFile: string;
  readonly helpers: HelperPaths;
  readonly uplink: Uplink;
}

/** What joins the members, and leads out. */
export type Uplink =
  | {
      readonly kind: 'gvproxy';
      readonly subnet: string;
      readonly mtu: number;
      readonly hostAccess: boolean;
      /** What the switch tells guests that ask for an address; its own when absent. */
      readonly dns?: readonly string[];
      readonly dnsSearch?: readonly string[];
    }
  /** Members have links of their own; the process only forwards published ports to their addresses. */
  | { readonly kind: 'none' };
