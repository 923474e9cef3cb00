import type { MachineRecord } from '../store/records.ts';

/** Version of the HTTP interface on the supervisor's socket; a command line of another version replaces the supervisor. */
export const SUPERVISOR_PROTOCOL = 1;

/** Everything that the socket answers. */
export const SUPERVISOR_ROUTES = [
  'GET /v1/version',
  'GET /v1/machines',
  'GET /v1/events',
  'POST /v1/requests',
  'POST /v1/exit',
] as const;

/*
 * HTTP/1.1 over the unix socket, JSON bodies; docs/openapi.yaml describes them.
 *
 *   GET  /v1/version   -> SupervisorVersion
 *   GET  /v1/machines  -> MachineRecord[]
 *   POST /v1/requests  <- Request            -> application/x-ndjson of Event; ends after `done`
 *   GET  /v1/events    -> application/x-ndjson of Event, until the client leaves
 *   POST /v1/exit      -> 204; the supervisor ends and leaves its machines running (replacement by another version)
 *                         Requests that are not done are given up.
 *
 * Requests are executed one after the other in the order of arrival. A client that leaves does not end its request.
 * What ends machines does not wait for what starts them: `stop`, `down` and `rm --stop` interrupt an `up`, `start` or
 * `restart` of the same machines, and `kill` with SIGKILL interrupts those too.
 */
export interface SupervisorVersion {
  readonly protocol: number;
  readonly version: string;
  readonly pid: number;
}

export type MachinesResponse = readonly MachineRecord[];
