// Asks a guest that boots from firmware to shut down, by the file that libkrun has for it (macOS on Apple silicon).
import { closeSync, writeSync } from 'node:fs';
import { KrunError, type Context, stubLibkrun } from 'krun/libkrun';

/** The function that asks the guest; call it while the machine runs. Undefined where libkrun has no such file. */
function shutdownOf(context: Context): (() => void) | undefined {
  try {
    const fd = context.getShutdownEventfd();
    return () => {
      const one = Buffer.alloc(8);
      one.writeBigUInt64LE(1n);
      writeSync(fd, one);
      closeSync(fd);
    };
  } catch (error) {
    if (!(error instanceof KrunError)) throw error;
    console.log(error.message);
    return undefined;
  }
}

const context = stubLibkrun().createContext(); // The same with loadLibkrun().
const shutdown = shutdownOf(context);
console.log(shutdown === undefined ? 'the guest cannot be asked' : 'the guest can be asked');
