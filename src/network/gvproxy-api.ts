import http from 'node:http';

/** A published port as gvproxy names it. */
export interface GvproxyForward {
  readonly local: string;
  readonly remote: string;
  readonly protocol: 'tcp' | 'udp' | 'unix';
}

export interface GvproxyAnswer {
  readonly status: number;
  readonly text: string;
}

/** gvproxy answers at once, unless it hangs. */
const ANSWER_MS = 2000;

/** gvproxy's HTTP interface on its own socket. Every call throws where nobody answers. */
export class GvproxyApi {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** What is published now; also the sign that gvproxy is ready, and well. */
  async forwards(): Promise<readonly GvproxyForward[]> {
    const { status, text } = await this.#ask('GET', 'all');
    if (status !== 200) throw new Error(`gvproxy answers ${status}: ${text.trim()}`);
    return JSON.parse(text) as readonly GvproxyForward[];
  }

  expose(forward: GvproxyForward): Promise<GvproxyAnswer> {
    return this.#ask('POST', 'expose', forward);
  }

  unexpose({ local, protocol }: GvproxyForward): Promise<GvproxyAnswer> {
    return this.#ask('POST', 'unexpose', { local, protocol });
  }

  #ask(method: 'GET' | 'POST', name: string, body?: object): Promise<GvproxyAnswer> {
    const text = body === undefined ? '' : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = http.request(
        {
          socketPath: this.#socketPath,
          method,
          path: `/services/forwarder/${name}`,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
          agent: false,
        },
        (response) => {
          const chunks: Uint8Array[] = [];
          response.on('data', (chunk: Uint8Array) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
          );
        },
      );
      const timer = setTimeout(() => {
        request.destroy(new Error(`gvproxy has not answered for ${ANSWER_MS / 1000} s`));
      }, ANSWER_MS);
      request.on('error', reject);
      request.on('close', () => clearTimeout(timer));
      request.end(text);
    });
  }
}
