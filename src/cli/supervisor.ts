import { err, ok, type Result } from '../base/result.ts';
import type { Event } from '../plan/event.ts';
import type { Request } from '../plan/request.ts';
import type { Layout } from '../store/layout.ts';
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
  const client = await ensureSupervisor(layout, {
    script: supervisorScript(),
    version: KRUN_VERSION,
    environment: context.env,
  });
  if (!client.ok) {
    await tellDiagnostics(context, [client.error]);
    return err(EXIT.failure);
  }
  const leaving = new AbortController();
  return ok({
    send: (request) => client.value.request(request, leaving.signal),
    leave: () => leaving.abort(),
  });
}
