import http from 'node:http';
import net from 'node:net';

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

/** No HTTP: the first bytes of a tunnel. */
const TUNNEL_BEGINS = Buffer.from('OK');

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

  /**
   * A connection to a TCP port of a guest, from the gateway's address. gvproxy says `OK` before it has connected, and
   * ends the connection where it cannot: only the network sees whether the guest has accepted.
   */
  tunnel(ip: string, port: number): Promise<net.Socket> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(this.#socketPath);
      let said = Buffer.alloc(0);
      const take = (chunk: Buffer): void => {
        said = Buffer.concat([said, chunk]);
        if (said.length < TUNNEL_BEGINS.length) return;
        socket.off('data', take).pause();
        if (!said.subarray(0, TUNNEL_BEGINS.length).equals(TUNNEL_BEGINS)) {
          socket.destroy(new Error('gvproxy does not open tunnels'));
          return;
        }
        if (said.length > TUNNEL_BEGINS.length) socket.unshift(said.subarray(TUNNEL_BEGINS.length));
        clearTimeout(timer);
        resolve(socket);
      };
      const timer = setTimeout(() => {
        socket.destroy(new Error(`gvproxy has not answered for ${ANSWER_MS / 1000} s`));
      }, ANSWER_MS);
      socket.on('data', take);
      socket.on('error', reject);
      socket.once('close', () => {
        clearTimeout(timer);
        reject(new Error('gvproxy closed the connection'));
      });
      socket.write(
        `POST /tunnel?ip=${ip}&port=${port} HTTP/1.1\r\nHost: gvproxy\r\nContent-Length: 0\r\n\r\n`,
      );
    });
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
