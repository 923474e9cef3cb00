import http from 'node:http';

/** The machine process answers from its event loop at once; a longer silence means that it hangs. */
const ANSWER_MS = 2000;

/** What became of a question: answered; nobody has the socket open; whoever has it says nothing, or no. */
export type ControlAnswer = 'done' | 'absent' | 'silent';

/** Has a machine send its stop signal, or another one, to its command. */
export function askToStop(socketPath: string, signal?: string): Promise<ControlAnswer> {
  return ask(socketPath, 'POST', signal === undefined ? { state: 'Stop' } : { state: 'Stop', signal });
}

/** Asks a machine process whether it is there. */
export function askState(socketPath: string): Promise<ControlAnswer> {
  return ask(socketPath, 'GET');
}

function ask(socketPath: string, method: 'GET' | 'POST', body?: object): Promise<ControlAnswer> {
  const text = body === undefined ? '' : JSON.stringify(body);
  return new Promise((resolve) => {
    let isConnected = false;
    const request = http.request(
      {
        socketPath,
        path: '/vm/state',
        method,
        timeout: ANSWER_MS,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
        agent: false,
      },
      (response) => {
        response.resume();
        response.on('error', () => resolve('silent'));
        response.on('end', () => resolve((response.statusCode ?? 0) < 300 ? 'done' : 'silent'));
      },
    );
    request.on('socket', (socket) => socket.once('connect', () => (isConnected = true)));
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(isConnected ? 'silent' : 'absent'));
    request.end(text);
  });
}
