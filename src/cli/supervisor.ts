import { err, ok, type Result } from '../base/result.ts';
import type { Event } from '../plan/event.ts';
import type { Request } from '../plan/request.ts';
import type { Layout } from '../store/layout.ts';
import { errnoOf } from '../host/errno.ts';
import { ABSENT, type SupervisorClient } from '../supervisor/client.ts';
import { ensureSupervisor } from '../supervisor/ensure.ts';
import { KRUN_VERSION } from './build-constants.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { tellDiagnostics } from './project.ts';
import { supervisorScript } from './wake-supervisor.ts';

/** A supervisor that answers, for the time of one command. */
export interface Supervisor {
  /** Sends a request; the events end after `done`, or when the supervisor is lost. */
  send(request: Request): AsyncIterable<Event>;
  /** Ends what is still listened to; requests go on. */
  leave(): void;
}

/** The project's supervisor, started if need be; what prevents that is told. */
export async function openSupervisor(
  context: Context,
  layout: Layout,
): Promise<Result<Supervisor, ExitCode>> {
  const paths = { script: supervisorScript(), version: KRUN_VERSION, environment: context.env };
  const client = await ensureSupervisor(layout, paths);
  if (!client.ok) {
    await tellDiagnostics(context, [client.error]);
    return err(EXIT.failure);
  }
  const leaving = new AbortController();
  return ok({
    send: (request) => send(client.value, request),
    leave: () => leaving.abort(),
  });

  /** A supervisor with nothing to do may end between our finding it and our asking it; then another one is asked. */
  async function* send(supervisor: SupervisorClient, request: Request): AsyncGenerator<Event> {
    let isHeard = false;
    try {
      for await (const event of supervisor.request(request, leaving.signal)) {
        isHeard = true;
        yield event;
      }
      return;
    } catch (error) {
      if (isHeard || !ABSENT.includes(errnoOf(error) ?? '')) throw error;
    }
    const next = await ensureSupervisor(layout, paths);
    if (next.ok) yield* send(next.value, request);
    else await tellDiagnostics(context, [next.error]);
  }
}
