import type { Socket } from 'node:net';

/*
 * The HTTP at the start of a session, written and read by hand: Node's server hands out the body of an upgrade request
 * in different ways from version to version, and its module would delay each session by its loading.
 */

/** First bytes of a connection that asks for a session. */
export const SESSION_REQUEST_START = 'POST /sessions ';

/** 300 variables of some length, and more. */
const MOST_MESSAGE_BYTES = 8 * 1024 * 1024;
const HEAD_END = '\r\n\r\n';

/** An HTTP message of a known length. */
export interface Message {
  /** `HTTP/1.1 409 Conflict`, or `POST /sessions HTTP/1.1`. */
  readonly start: string;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export function requestText(body: string): string {
  return [
    `${SESSION_REQUEST_START}HTTP/1.1`,
    'Host: krun',
    'Connection: Upgrade',
    'Upgrade: krun-session',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

export const ACCEPTED_TEXT: string = [
  'HTTP/1.1 101 Switching Protocols',
  'Connection: Upgrade',
  'Upgrade: krun-session',
  '',
  '',
].join('\r\n');

export function refusalText(status: string, body: object): string {
  const text = JSON.stringify(body);
  return [
    `HTTP/1.1 ${status}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(text)}`,
    '',
    text,
  ].join('\r\n');
}

/** Collects one message; what comes after it belongs to whatever the connection becomes. */
export class MessageReader {
  #bytes: Buffer = Buffer.alloc(0);

  /** The message once it is whole; `invalid` for what is none. */
  push(chunk: Buffer): { readonly message: Message; readonly rest: Buffer } | 'invalid' | undefined {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const headEnd = this.#bytes.indexOf(HEAD_END);
    if (headEnd < 0) return this.#bytes.length > MOST_MESSAGE_BYTES ? 'invalid' : undefined;
    const [start = '', ...lines] = this.#bytes.toString('latin1', 0, headEnd).split('\r\n');
    const headers = new Map(lines.map(headerOf));
    const length = /^1\d\d$/.test(start.split(' ')[1] ?? '') ? 0 : Number(headers.get('content-length') ?? 0);
    if (!Number.isSafeInteger(length) || length < 0 || length > MOST_MESSAGE_BYTES) return 'invalid';
    const bodyStart = headEnd + HEAD_END.length;
    if (this.#bytes.length < bodyStart + length) return undefined;
    const body = this.#bytes.toString('utf8', bodyStart, bodyStart + length);
    return { message: { start, headers, body }, rest: this.#bytes.subarray(bodyStart + length) };
  }
}

function headerOf(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

/** Reads one message from a connection, and leaves the rest there; undefined where none comes. */
export function readMessage(socket: Socket): Promise<Message | undefined> {
  const reader = new MessageReader();
  return new Promise((resolve) => {
    const finish = (message: Message | undefined): void => {
      socket.off('data', take).off('close', leave).off('end', leave);
      resolve(message);
    };
    const leave = (): void => finish(undefined);
    const take = (chunk: Buffer): void => {
      const read = reader.push(chunk);
      if (read === undefined) return;
      socket.pause();
      if (read === 'invalid') return finish(undefined);
      if (read.rest.length > 0) socket.unshift(read.rest);
      finish(read.message);
    };
    socket.on('data', take).on('close', leave).on('end', leave);
    // Whoever looked at its first bytes has paused it.
    socket.resume();
  });
}
