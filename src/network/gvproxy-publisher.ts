import type { Refusal } from './api.ts';
import { describeHostSide, guestAddress, localAddress, type Forward } from './forward.ts';
import type { GvproxyApi, GvproxyForward } from './gvproxy-api.ts';
import { codeOfText, portRefusal } from './port-refusal.ts';
import type { Publisher } from './published-ports.ts';
import { clearSocketPlace, protectSocket, removeSocket } from './socket-place.ts';

/** Has gvproxy open the ports. */
export class GvproxyPublisher implements Publisher {
  readonly #api: GvproxyApi;

  constructor(api: GvproxyApi) {
    this.#api = api;
  }

  async publish(forward: Forward): Promise<Refusal | undefined> {
    if (forward.protocol === 'unix') {
      // gvproxy itself deletes whatever is at the path.
      const problem = await clearSocketPlace(forward.socket);
      if (problem) return problem;
    }
    const wanted = gvproxyForward(forward);
    const refused = await this.#expose(wanted);
    if (refused !== undefined) return this.#refusal(forward, refused);
    if (forward.protocol === 'unix') await protectSocket(forward.socket);
    return undefined;
  }

  async withdraw(forward: Forward): Promise<void> {
    await this.#unexpose(gvproxyForward(forward));
    if (forward.protocol === 'unix') await removeSocket(forward.socket);
  }

  /** Undefined when done, otherwise gvproxy's words. */
  async #expose(forward: GvproxyForward): Promise<string | undefined> {
    try {
      let answer = await this.#api.expose(forward);
      if (answer.text.includes('proxy already running')) {
        // Left by a request that took too long; where it leads is unknown.
        await this.#api.unexpose(forward);
        answer = await this.#api.expose(forward);
      }
      return answer.status === 200 ? undefined : answer.text.trim();
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** A gvproxy that does not answer has no ports, or will have none soon: it is started again. */
  async #unexpose(forward: GvproxyForward): Promise<void> {
    try {
      await this.#api.unexpose(forward);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
  }

  #refusal(forward: Forward, text: string): Promise<Refusal> | Refusal {
    const code = codeOfText(text);
    if (code !== '') return portRefusal(forward, code, text);
    return { message: `${describeHostSide(forward)} cannot be published: gvproxy says: ${text}` };
  }
}

function gvproxyForward(forward: Forward): GvproxyForward {
  const { protocol } = forward;
  const remote = guestAddress(forward);
  return { protocol, local: localAddress(forward), remote: protocol === 'unix' ? `tcp://${remote}` : remote };
}
