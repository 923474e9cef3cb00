import { Socket } from 'node:net';

/** Writes lines for the agent in the guest, in order. Their words must be free of spaces. */
export class ControlLines {
  readonly #fd: number;
  #socket: Socket | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  send(...words: readonly (string | number)[]): void {
    this.#socket ??= this.#open();
    this.#socket.write(`${words.join(' ')}\n`);
  }

  #open(): Socket {
    const socket = new Socket({ fd: this.#fd, readable: false, writable: true });
    socket.on('error', (error) => {
      process.stderr.write(`krun: cannot reach the guest's control port: ${error.message}\n`);
    });
    return socket;
  }
}
