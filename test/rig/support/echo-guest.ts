import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import type { Member } from '../../../src/network/api.ts';

/**
 * Script of a guest: echoes on TCP and UDP port 80, with its name in front. On its input it takes `tcp HOST PORT TEXT`,
 * `flood HOST COUNT` (large datagrams) and `lookup NAME SERVER`.
 */
export function echo(name: string): string {
  return `
    const net = require('node:net');
    const udp = require('node:dgram').createSocket('udp4');
    net.createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', (data) => socket.write('${name}: ' + data));
    }).listen(80, () => {
      udp.on('message', (data, from) => udp.send('${name}: ' + data, from.port, from.address));
      udp.bind(80, () => console.log('ready'));
    });
    const verbs = {
      tcp(host, port, ...text) {
        const socket = net.connect(Number(port), host, () => socket.write(text.join(' ') + '\\r\\n'));
        socket.on('error', (error) => console.log(host + ' ' + error.code));
        socket.on('data', (data) => { console.log('got ' + data); socket.end(); });
      },
      flood(host, count) {
        let left = Number(count);
        const next = () => left-- > 0 ? udp.send(Buffer.alloc(1400), 9, host, next) : console.log('flooded');
        next();
      },
      lookup(name, server) {
        const resolver = new (require('node:dns').Resolver)();
        resolver.setServers([server]);
        resolver.resolve4(name, (error, found) => console.log(name + ' is ' + (error?.code ?? found)));
      },
    };
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const [verb, ...words] = line.split(' ');
      verbs[verb](...words);
    });`;
}

/** An open connection that asks and answers in turns. */
export class Conversation {
  readonly #socket: net.Socket;
  constructor(options: net.NetConnectOpts) {
    this.#socket = net.connect(options);
    this.#socket.on('error', () => this.#socket.destroy());
  }

  ask(text: string): Promise<string> {
    return new Promise((resolve) => {
      this.#socket.once('data', (data: Buffer) => resolve(data.toString()));
      this.#socket.once('close', () => resolve('closed'));
      if (this.#socket.destroyed) resolve('closed');
      else this.#socket.write(text);
    });
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

export async function ask(options: net.NetConnectOpts, text: string): Promise<string> {
  using conversation = new Conversation(options);
  return await conversation.ask(text);
}

export async function askUdp(port: number, text: string): Promise<string> {
  const socket = dgram.createSocket('udp4');
  const answer = once(socket, 'message');
  socket.send(text, port, '127.0.0.1');
  const [message] = (await answer) as [Buffer];
  socket.close();
  return message.toString();
}

export function tcp(host: number): Member['ports'][number] {
  return { host, guest: 80, protocol: 'tcp' };
}
