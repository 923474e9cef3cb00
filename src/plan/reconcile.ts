import { unreachable } from '../base/unreachable.ts';
import type { Plan } from './action.ts';
import type { Observed } from './observed.ts';
import { planDown } from './plan-down.ts';
import { planKill, planRestart, planRm, planStart, planStop } from './plan-named.ts';
import { planUp } from './plan-up.ts';
import type { Request } from './request.ts';

/** The actions that turn what was observed into what was asked for. Pure: the same input gives the same plan. */
export function planRequest(request: Request, observed: Observed): Plan {
  switch (request.type) {
    case 'up':
      return planUp(request, observed);
    case 'down':
      return planDown(request, observed);
    case 'start':
      return planStart(request, observed);
    case 'stop':
      return planStop(request, observed);
    case 'restart':
      return planRestart(request, observed);
    case 'kill':
      return planKill(request, observed);
    case 'rm':
      return planRm(request, observed);
    default:
      return unreachable(request);
  }
}
