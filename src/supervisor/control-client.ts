import http from 'node:http';

/** The machine process answers from its event loop at once; a longer silence means that it hangs. */
const ANSWER_MS = 2000;

/** What a machine process said; undefined where nobody answers on the socket. */
interface ControlAnswer {
  readonly status: number;
}

/** Has a machine send its stop signal, or another one, to its command; false when nobody is there to do it. */
export async function askToStop(socketPath: string, signal?: string): Promise<boolean> {
  const body = signal === undefined ? { state: 'Stop' } : { state: 'Stop', signal };
  const answer = await postControl(socketPath, '/vm/state', body);
  return answer !== undefined && answer.status < 300;
}

function postControl(socketPath: string, path: string, body: unknown): Promise<ControlAnswer | undefined> {
  return new Promise((resolve) => {
    const text = JSON.stringify(body);
    const request = http.request(
      {
        socketPath,
        path,
        method: 'POST',
        timeout: ANSWER_MS,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
        agent: false,
      },
      (response) => {
        response.resume();
        response.on('error', () => resolve(undefined));
        response.on('end', () => resolve({ status: response.statusCode ?? 0 }));
      },
    );
    request.on('timeout', () => request.destroy());
    // Not there yet, or gone already: the caller kills what is left.
    request.on('error', () => resolve(undefined));
    request.end(text);
  });
}
