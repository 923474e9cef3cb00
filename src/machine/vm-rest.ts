import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody, reply } from '../host/json-http.ts';

/** krunkit's REST interface and vfkit's inspection; docs/openapi.yaml describes it. */
export const VM_ROUTES = ['GET /vm/state', 'POST /vm/state', 'GET /vm/inspect'] as const;

/** What its clients can do to a virtual machine. */
export interface VmControl {
  isStopping(): boolean;
  /** Whether there is a way to ask the guest to end. */
  canStop(): boolean;
  /** Asks the guest to end; `signal` is krun's addition and means something to its own agent only. */
  stop(signal?: string): void;
  /** Ends the machine at once. */
  hardStop(): void;
  /** The virtual machine in vfkit's words, without secrets. */
  inspect(): object | Promise<object>;
}

/** A body is `{"state":"Stop"}`; more is not meant for us. */
const MOST_BODY_BYTES = 4096;

/** The path that is asked for, as routes have it. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').replace(/\?.*$/s, '').replace(/\/$/, '');
}

/** Answers a request for one of {@link VM_ROUTES}, or says which routes there are. */
export async function answerVm(
  request: IncomingMessage,
  response: ServerResponse,
  control: VmControl,
  routes: readonly string[] = VM_ROUTES,
): Promise<void> {
  const path = pathOf(request);
  const route = VM_ROUTES.find((one) => one === `${request.method} ${path}`);
  switch (route) {
    case 'GET /vm/state':
      return reply(response, 200, stateOf(control));
    case 'GET /vm/inspect':
      return reply(response, 200, await control.inspect());
    case 'POST /vm/state':
      return changeState(request, response, control);
    case undefined:
      return refuse(response, path, routes);
  }
}

/** There is no such path, or it takes other methods. */
export function refuse(response: ServerResponse, path: string, routes: readonly string[]): void {
  const known = routes.map((route) => route.split(' ') as [string, string]);
  const methods = known.flatMap(([method, one]) => (one === path ? [method] : []));
  if (methods.length === 0) {
    const paths = [...new Set(known.map(([, one]) => one))].join(' and ');
    return reply(response, 404, { error: `there is no ${path || '/'}; there are ${paths}` });
  }
  response.setHeader('allow', methods.join(', '));
  return reply(response, 405, { error: `use ${methods.join(' or ')}` });
}

function stateOf(control: VmControl, isStopping: boolean = control.isStopping()): object {
  return {
    state: `VirtualMachineState${isStopping ? 'Stopping' : 'Running'}`,
    canStart: false,
    canPause: false,
    canResume: false,
    canStop: !isStopping && control.canStop(),
    canHardStop: true,
  };
}

async function changeState(
  request: IncomingMessage,
  response: ServerResponse,
  control: VmControl,
): Promise<void> {
  const body = await readBody(request, MOST_BODY_BYTES);
  if (body === undefined)
    return reply(response, 413, { error: `the body has more than ${MOST_BODY_BYTES} bytes` });
  const wanted = wantedState(body);
  switch (wanted?.state) {
    case 'Stop':
      if (!control.canStop()) {
        const error = 'libkrun has no way to ask this guest to shut down; HardStop ends it';
        return reply(response, 501, { error });
      }
      control.stop(wanted.signal);
      return reply(response, 200, stateOf(control));
    case 'HardStop':
      // The machine ends when the answer is on its way, and with it this process.
      response.once('close', () => control.hardStop());
      return reply(response, 200, stateOf(control, true));
    case undefined:
      return reply(response, 400, { error: 'the body must be {"state":"Stop"} or {"state":"HardStop"}' });
    default: {
      const error = `the state cannot be changed to ${wanted?.state}; there are Stop and HardStop`;
      return reply(response, 400, { error });
    }
  }
}

function wantedState(text: string): { readonly state: string; readonly signal?: string } | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof body !== 'object' || body === null) return undefined;
  const { state, signal } = body as { readonly state?: unknown; readonly signal?: unknown };
  if (typeof state !== 'string') return undefined;
  // The name becomes a word in the guest's shell script.
  return typeof signal === 'string' && /^(SIG)?[A-Z0-9+-]{1,12}$/.test(signal)
    ? { state, signal }
    : { state };
}
