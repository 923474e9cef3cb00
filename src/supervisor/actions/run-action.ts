import { unreachable } from '../../base/unreachable.ts';
import type { Action } from '../../plan/action.ts';
import { build } from './build.ts';
import type { ActionContext } from './context.ts';
import { createDisk } from './create-disk.ts';
import { growDisk } from './grow-disk.ts';
import { removeDisk } from './remove-disk.ts';
import { wait } from './wait.ts';

/** Does one action. Returns a remark for the user; throws an ActionFailure where the outside refuses. */
export async function runAction(action: Action, context: ActionContext): Promise<string | undefined> {
  const { machines, signal } = context;
  switch (action.type) {
    case 'build':
      await build(action.definition, context);
      return;
    case 'create-disk':
      await createDisk(action.disk, context);
      return;
    case 'grow-disk':
      return growDisk(action.disk, action.fromBytes, context);
    case 'remove-disk':
      await removeDisk(action.name, context);
      return;
    case 'create':
      await machines.create(action.definition, action.hash);
      return;
    case 'update':
      await machines.get(action.machine).update(action.definition, action.hash);
      return;
    case 'start':
      return machines.get(action.machine).start(signal);
    case 'wait':
      await wait(action.machine, action.condition, context);
      return;
    case 'stop': {
      const { timeoutMs, byUser } = action;
      return machines.get(action.machine).stop({ timeoutMs, byUser, signal });
    }
    case 'kill':
      await machines.get(action.machine).kill(action.signal, signal);
      return;
    case 'remove':
      await machines.remove(action.machine, { keepLog: context.isRecreated(action.machine) });
      return;
    default:
      return unreachable(action);
  }
}
