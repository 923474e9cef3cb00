import http from 'node:http';

/** The machine process answers from its event loop at once; a longer silence means that it hangs. */
const ANSWER_MS = 2000;

/** What a machine process said; undefined where nobody answers on the socket. */
export interface ControlAnswer {
  readonly status: number;
  readonly body: string;
}

/** Sends one request to a machine's control socket. */
export function postControl(
  socketPath: string,
  path: string,
  body: unknown,
): Promise<ControlAnswer | undefined> {
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
        let answer = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (answer += chunk));
        response.on('error', () => resolve(undefined));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: answer }));
      },
    );
    request.on('timeout', () => request.destroy());
    // Not there yet, or gone already: the caller kills what is left.
    request.on('error', () => resolve(undefined));
    request.end(text);
  });
}
