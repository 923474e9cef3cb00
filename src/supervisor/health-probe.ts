import type { Machine, Probe } from '../project/project.ts';
import { machineLayout, type Layout } from '../store/layout.ts';
import type { Endpoint } from '../store/records.ts';
import { probeByCommand } from './health-exec.ts';
import { probeByRequest } from './health-http.ts';
import type { ProbeResult } from './health-judgement.ts';
import { routeTo, type Route } from './health-route.ts';
import { probeByConnection } from './health-tcp.ts';

/** A probe that somebody has to make; a log is only listened to. */
export type ActiveProbe = Exclude<Probe, { kind: 'log' }>;

export interface ProbeScope {
  readonly layout: Layout;
  readonly definition: Machine;
  readonly endpoint: Endpoint | undefined;
  readonly timeoutMs: number;
}

/** Makes one probe. Rejects with the signal's reason, and for nothing else that the outside does. */
export async function runProbe(
  probe: ActiveProbe,
  scope: ProbeScope,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const { layout, definition, timeoutMs } = scope;
  if (probe.kind === 'test') {
    const { controlSocket } = machineLayout(layout, definition.name);
    return probeByCommand(controlSocket, probe.command, { timeoutMs, signal });
  }
  const route = routeTo(probe.port, scope);
  if (!route.ok) return { ok: false, failure: { message: route.error } };
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    return await connect(probe, route.value, AbortSignal.any([signal, deadline]));
  } catch (error) {
    signal.throwIfAborted();
    if (!deadline.aborted) throw error;
    const message = `no answer from port ${probe.port} within ${timeoutMs / 1000} s`;
    return { ok: false, failure: { message } };
  }
}

function connect(
  probe: Exclude<ActiveProbe, { kind: 'test' }>,
  route: Route,
  signal: AbortSignal,
): Promise<ProbeResult> {
  return probe.kind === 'tcp'
    ? probeByConnection(route, probe.port, signal)
    : probeByRequest(route, probe, signal);
}
