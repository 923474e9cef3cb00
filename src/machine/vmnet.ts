import os from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { helperVersion } from '../host/helpers.ts';
import { libc } from '../host/libc.ts';
import { socketPair } from '../host/unix-sockets.ts';
import type { LinkName } from './link-name.ts';
import { StartFailure, type MachineFailure } from './failure.ts';
import { HELPER_FD, HelperProcess } from './helper-process.ts';
import type { MachineSpec, VmnetSettings } from './spec.ts';
import { needsSudo, vmnetCommand } from './vmnet-command.ts';

/** sudo, and the first vmnet interface after a boot of the host, take their time. */
const READY_TIMEOUT_MS = 10_000;
/** macOS takes the one for the largest frame of a datagram socket, and the other for its queue. */
const SEND_BYTES = 65 * 1024;
const RECEIVE_BYTES = 4 * 1024 * 1024;
const RECEIVE_BYTES_OFFLOADING = 8 * 1024 * 1024;

/** Starts the vmnet-helper of an interface and waits until it has it. Throws {@link StartFailure}. */
export async function startVmnetHelper(
  spec: MachineSpec,
  device: LinkName,
  { settings, offloading }: { readonly settings: VmnetSettings; readonly offloading: boolean },
): Promise<{ readonly fd: number; readonly helper: HelperProcess }> {
  const { version } = await helperVersion('vmnet-helper', settings.program);
  const sudo = needsSudo({
    os: process.platform,
    release: os.release(),
    ...(version === undefined ? {} : { version }),
  });
  const [fd, link] = socketPair('datagram', {
    sendBytes: SEND_BYTES,
    receiveBytes: offloading ? RECEIVE_BYTES_OFFLOADING : RECEIVE_BYTES,
  });
  const command = vmnetCommand(settings, { fd: HELPER_FD, offloading, sudo });
  const helper = await HelperProcess.start(spec, {
    name: 'vmnet-helper',
    device,
    command,
    link,
    announces: true,
  });
  const announced = await firstLine(helper.announcements);
  if (announced !== 'ended' && announced !== 'silent' && isAnnouncement(announced)) return { fd, helper };
  helper.signal('SIGKILL');
  await helper.ended;
  libc().close(fd);
  throw new StartFailure(explainVmnet(helper.said(), announced, sudo));
}

/** A line, or why there is none; later ones are read away, so that the helper is not held up. */
function firstLine(stream: Readable | undefined): Promise<string> {
  return new Promise((resolve) => {
    if (!stream) return resolve('ended');
    const timer = setTimeout(() => resolve('silent'), READY_TIMEOUT_MS);
    const lines = createInterface({ input: stream });
    lines.on('line', resolve);
    lines.once('close', () => {
      clearTimeout(timer);
      resolve('ended');
    });
    lines.once('line', () => clearTimeout(timer));
  });
}

/** The JSON line with the interface's addresses; they are not needed, because the guest asks for its own by DHCP. */
function isAnnouncement(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'vmnet_mac_address' in value;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** What its last words mean; `announced` is `ended`, `silent` or a line that is none of its. */
export function explainVmnet(said: string, announced: string, sudo: boolean): MachineFailure {
  const known = CAUSES.find(({ pattern }) => pattern.test(said));
  const last = said
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '');
  const how =
    announced === 'silent'
      ? `did not say within ${READY_TIMEOUT_MS / 1000} s that it is ready`
      : announced === 'ended'
        ? 'ended at its start'
        : `announced itself with an unknown line: ${announced.slice(0, 80)}`;
  const message = `vmnet-helper ${how}${known ? `: ${known.cause}` : ''}${last === undefined ? '' : ` (${last})`}`;
  const hint =
    known?.hint ??
    (sudo
      ? 'try the command in a terminal: sudo must not ask'
      : '`krun logs --helpers` shows what it printed');
  return { code: 'environment', message, hint };
}

const CAUSES = [
  {
    pattern: /sudo:.*(?:password is required|terminal is required|not allowed to (?:run|execute))/,
    cause: 'sudo asks for a password',
    hint: 'macOS 15 and older, and vmnet-helper before 0.9, need root: install the sudoers file of vmnet-helper',
  },
  {
    pattern: /sudo:.*(?:-C|--close-from|close from)/i,
    cause: 'sudo may not keep its open files',
    hint: 'add `Defaults:%staff closefrom_override` as in the sudoers file of vmnet-helper',
  },
  {
    pattern: /VMNET_(?:FAILURE|NOT_AUTHORIZED)|not authorized/i,
    cause: 'macOS refuses the interface',
    hint: 'check mode, interface and addresses; two networks with the same addresses need the same mode',
  },
  {
    pattern: /unrecognized option|unknown option|invalid option|illegal option/i,
    cause: 'it does not know an option that krun uses',
    hint: 'use vmnet-helper 0.12 or newer',
  },
] as const;
