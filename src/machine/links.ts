import type { LinkName } from './link-name.ts';
import type { Descriptors } from '../libkrun/execute.ts';
import type { Libkrun } from '../libkrun/ffi.ts';
import { ownSocketSuffix } from '../vm/own-socket.ts';
import type { HelperProcess } from './helper-process.ts';
import { addLastAct } from './last-acts.ts';
import { connectStream, prepareDatagramSocket } from './link-sockets.ts';
import { linkName } from './link-name.ts';
import type { OpenStatus } from './open-status.ts';
import type { MachineSpec, SpecInterface } from './spec.ts';
import { parseStatus } from './status-file.ts';
import { checkTap } from './tap.ts';

/** What becomes of the machine when a helper ends before the guest. */
interface HelperLoss {
  readonly status: OpenStatus;
  readonly endProcess: () => void;
}

/**
 * Opens what is behind the guest's interfaces. libkrun itself would look there only when the guest's driver starts, and
 * hang where nobody is. Throws StartFailure.
 */
export async function openLinks(spec: MachineSpec, library: Libkrun, loss: HelperLoss): Promise<Descriptors> {
  const descriptors: Partial<Record<LinkName, number>> = {};
  for (const [index, entry] of spec.network.interfaces.entries()) {
    const device = linkName(index);
    const link = await openLink(spec, library, entry, device);
    if (link?.helper) watchHelper(link.helper, loss);
    if (link) descriptors[device] = link.fd;
  }
  return descriptors;
}

interface Link {
  readonly fd: number;
  readonly helper?: HelperProcess;
}

/** Nothing to hand over for a link that libkrun opens by its name. */
async function openLink(
  spec: MachineSpec,
  library: Libkrun,
  { backend, mac, offloading }: SpecInterface,
  device: LinkName,
): Promise<Link | undefined> {
  // Modules that few machines need are loaded for these only: what is loaded here delays the guest.
  switch (backend.kind) {
    case 'unixstream':
      return { fd: connectStream(spec, backend.path, device) };
    case 'unixgram':
      prepareDatagramSocket(spec, { file: backend.path, device }, ownSocketSuffix(library));
      return undefined;
    case 'tap':
      checkTap(backend.interface, device);
      return undefined;
    case 'passt': {
      const { startPasst } = await import('./passt.ts');
      return startPasst(spec, { device, mac, settings: backend });
    }
    case 'vmnet-helper': {
      const { startVmnetHelper } = await import('./vmnet.ts');
      return startVmnetHelper(spec, device, { settings: backend, offloading });
    }
  }
}

/** A guest that goes on without its network would look well and serve nobody. */
function watchHelper(helper: HelperProcess, { status, endProcess }: HelperLoss): void {
  let isOver = false;
  addLastAct('process', () => {
    isOver = true;
    helper.signal('SIGTERM');
  });
  helper.ended.then((end) => {
    if (isOver || parseStatus(status.text()).exitCode !== undefined) return;
    status.add(`krun-helper ${JSON.stringify(end)}`);
    endProcess();
  }, rethrow);
}

/** A rejection here is a defect, and shall be told as one. */
function rethrow(error: unknown): void {
  throw error;
}
