import { writeSync } from 'node:fs';

/** Asks a guest that boots by itself to shut down, where libkrun can (macOS): a key that its init must listen to. */
export class PowerButton {
  #fd: number | undefined;

  /** The descriptor that krun_get_shutdown_eventfd gave. */
  connect(fd: number | undefined): void {
    this.#fd = fd;
  }

  /** False where there is no button. */
  press(): boolean {
    if (this.#fd === undefined) return false;
    const one = Buffer.alloc(8);
    one.writeBigUInt64LE(1n);
    writeSync(this.#fd, one);
    return true;
  }
}
