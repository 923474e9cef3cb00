import type { Writable } from 'node:stream';

/** Writes pieces as fast as the stream takes them, and leaves it open; throws the stream's error. */
export async function writeAll(stream: Writable, pieces: AsyncIterable<Buffer>): Promise<void> {
  let failure: Error | undefined;
  let wake: () => void = () => undefined;
  const onDrain = (): void => wake();
  const onError = (error: Error): void => {
    failure = error;
    wake();
  };
  stream.on('drain', onDrain);
  stream.on('error', onError);
  try {
    for await (const piece of pieces) {
      if (failure) throw failure;
      if (stream.write(piece)) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (failure) throw failure;
  } finally {
    stream.off('drain', onDrain);
    stream.off('error', onError);
  }
}
