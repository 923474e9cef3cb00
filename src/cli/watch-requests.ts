import { err, ok, type Result } from '../base/result.ts';
import type { Event } from '../plan/event.ts';
import type { Request } from '../plan/request.ts';
import type { Layout } from '../store/layout.ts';
import type { Trouble } from '../watch/guest-work.ts';
import type { Context } from './context.ts';
import { openSupervisor } from './supervisor.ts';

/** Has the supervisor do a request; what becomes of it is returned, and what happens meanwhile goes to the listener. */
export async function performForWatch(
  context: Context,
  layout: Layout,
  request: Request,
  onEvent: (event: Event) => void = () => undefined,
): Promise<Result<void, Trouble>> {
  const supervisor = await openSupervisor(context, layout);
  if (!supervisor.ok) return err({ message: 'there is no supervisor', hint: 'the reason is told above' });
  let trouble: Trouble | undefined;
  let isDone = false;
  for await (const event of supervisor.value.send(request)) {
    onEvent(event);
    trouble ??= troubleOf(event);
    if (event.type === 'done') isDone = event.ok;
  }
  if (isDone) return ok(undefined);
  return err(
    trouble ?? {
      message: 'the supervisor ended before the request was done',
      hint: `its log: ${layout.supervisorLog}`,
    },
  );
}

function troubleOf(event: Event): Trouble | undefined {
  if (event.type === 'plan') {
    const [message] = event.errors ?? [];
    return message === undefined ? undefined : { message };
  }
  if (event.type !== 'action-failed') return undefined;
  const { message, hint } = event;
  return { message, ...(hint === undefined ? {} : { hint }) };
}
