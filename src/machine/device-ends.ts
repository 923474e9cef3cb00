import { closeSync, constants, createReadStream, fstatSync, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { errnoOf, systemHint, unlessMissingSync } from '../host/errno.ts';
import { makePipe } from '../host/libc.ts';
import type { Descriptors } from '../libkrun/execute.ts';
import { inputName } from './configure-devices.ts';
import { StartFailure } from './failure.ts';
import type { SpecDevices } from './spec.ts';

/** O_NOCTTY: a terminal must not become that of the process, whose guest a Ctrl-C in it would stop. */
const { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** Opens what a machine's serial port and input devices are on the host. libkrun owns it from then on. */
export function openDevices({ serial, inputs = [] }: SpecDevices): Descriptors {
  const devices = inputs.map((file, index) => [inputName(index), openInputDevice(file)] as const);
  return {
    ...(serial && { 'serial.in': openSerialInput(serial.input), 'serial.out': openSerialLog(serial.log) }),
    ...Object.fromEntries(devices),
  };
}

/** libkrun up to 1.17 panics on a serial port without an output. */
function openSerialLog(file: string | undefined): number {
  if (file === undefined) return openSync('/dev/null', 'w');
  // open(2) would wait for the reader, and so would libkrun with the guest.
  if (unlessMissingSync(() => statSync(file))?.isFIFO())
    throw new StartFailure({
      code: 'path',
      message: `the serial log ${file} is a FIFO: without a reader the guest would stand still`,
      hint: 'name a file, and follow that: tail -f FILE',
    });
  return opened(file, 'serial log', () => openSync(file, O_APPEND | O_CREAT | O_WRONLY | O_NOCTTY, 0o600));
}

/**
 * libkrun waits for input with epoll, which takes no regular files, and spins on what has ended: so it gets a pipe whose
 * other end stays open, or a device.
 */
function openSerialInput(file: string | undefined): number {
  if (file === undefined) return makePipe().read;
  const what = 'serial input';
  const fd = opened(file, what, () => openSync(file, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  const status = fstatSync(fd);
  if (status.isFile()) return pumped(fd);
  closeSync(fd);
  if (status.isFIFO() || status.isCharacterDevice())
    // Open for writing, too: then it does not end with its last writer.
    return opened(file, what, () => openSync(file, O_RDWR | O_NOCTTY));
  throw new StartFailure({
    code: 'path',
    message: `the serial input ${file} is not a file, a FIFO or a terminal`,
    hint: `make a FIFO: mkfifo ${file}`,
  });
}

/** A file's bytes, through a pipe as fast as the guest takes them. */
function pumped(fd: number): number {
  const { read, write } = makePipe();
  const pipe = new Socket({ fd: write, readable: false, writable: true });
  const failed = (error: Error): void => void process.stderr.write(`krun: serial input: ${error.message}\n`);
  createReadStream('', { fd }).on('error', failed).pipe(pipe.on('error', failed), { end: false });
  return read;
}

function openInputDevice(file: string): number {
  const fd = opened(file, 'input device', () => openSync(file, O_RDWR | O_NONBLOCK | O_NOCTTY));
  if (fstatSync(fd).isCharacterDevice()) return fd;
  throw new StartFailure({
    code: 'path',
    message: `the input device ${file} is not a device`,
    hint: 'write a path such as /dev/input/event3; `libinput list-devices` names them',
  });
}

function opened(file: string, what: string, open: () => number): number {
  try {
    return open();
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    const isInput = what === 'input device' && code === 'EACCES';
    const hint = isInput
      ? 'event devices belong to the group `input`: add your user to it (`usermod -aG input USER`), and log in again'
      : systemHint(code);
    const message = `cannot open the ${what} ${file}: ${(error as Error).message}`;
    throw new StartFailure({ code: 'io', message, ...(hint === undefined ? {} : { hint }) });
  }
}
