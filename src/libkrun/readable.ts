import { koffi } from '../host/koffi.ts';
import { libc, makePipe } from '../host/libc.ts';

/** Whether the process has memory there: the kernel tells it without the crash that looking would be. */
export function isReadable(address: bigint, byteLength: number): boolean {
  const write = koffi().load(null).func('write', 'long', ['int', 'const void *', 'size_t']);
  const pipe = makePipe();
  try {
    return write(pipe.write, address, byteLength) === byteLength;
  } finally {
    libc().close(pipe.read);
    libc().close(pipe.write);
  }
}
