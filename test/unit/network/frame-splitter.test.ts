import { describe, expect, it } from 'vitest';
import { FrameSplitter } from '../../../src/network/frame-splitter.ts';
import { withPrefix } from './support/peer.ts';
import { cutAtRandom, seeded } from './support/random.ts';

interface Split {
  /** As hexadecimal digits: long buffers are slow to compare. */
  readonly frames: readonly string[];
  readonly runts: number;
  readonly understood: boolean;
}

function split(chunks: readonly Buffer[]): Split {
  const { frames, ...rest } = inPlace(chunks);
  return { frames: hex(frames), ...rest };
}

function inPlace(chunks: readonly Buffer[]): Omit<Split, 'frames'> & { readonly frames: readonly Buffer[] } {
  const frames: Buffer[] = [];
  let runts = 0;
  const splitter = new FrameSplitter();
  const sink = {
    frame: (bytes: Buffer, start: number, end: number) => void frames.push(bytes.subarray(start, end)),
    runt: () => void runts++,
  };
  const understood = chunks.every((chunk) => splitter.push(chunk, sink));
  return { frames, runts, understood };
}

function hex(frames: readonly Buffer[]): readonly string[] {
  return frames.map((frame) => frame.toString('hex'));
}

function filled(length: number, value: number): Buffer {
  return Buffer.alloc(length, value);
}

describe('a stream of frames', () => {
  const frames = [filled(14, 1), filled(60, 2), filled(1514, 3), filled(15, 4)].map(withPrefix);
  const stream = Buffer.concat(frames);

  it('gives the same frames wherever it is cut in two', () => {
    for (let at = 0; at <= stream.length; at++) {
      expect(split([stream.subarray(0, at), stream.subarray(at)]), `cut at ${at}`).toEqual({
        frames: hex(frames),
        runts: 0,
        understood: true,
      });
    }
  });

  it('gives the same frames byte by byte', () => {
    const bytes = Array.from(stream, (_, at) => stream.subarray(at, at + 1));
    expect(split(bytes).frames).toEqual(hex(frames));
  });

  it('is passed on in place where it is not cut', () => {
    const found = inPlace([stream]).frames;
    expect(found.every((frame) => frame.buffer === stream.buffer)).toBe(true);
  });

  it('does not keep a chunk for the frame that it cuts', () => {
    const chunk = Buffer.concat([filled(40_000, 0).fill(withPrefix(filled(36, 0))), stream.subarray(0, 10)]);
    const [last] = inPlace([chunk, stream.subarray(10)]).frames.slice(1000, 1001);
    expect(last).toEqual(frames[0]);
    expect(last?.buffer).not.toBe(chunk.buffer);
  });
});

it.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'random frames in random pieces come out as they went in (seed %i)',
  (seed) => {
    const random = seeded(seed);
    const lengths = Array.from({ length: 300 }, () => random(random(10) === 0 ? 65_563 : 1600));
    const all = lengths.map((length, index) => withPrefix(filled(length, index % 251)));
    const pieces = cutAtRandom(Buffer.concat(all), random, random(2) === 0 ? 100 : 70_000);
    expect(split(pieces)).toEqual({
      frames: hex(all.filter((frame) => frame.length >= 18)),
      runts: all.filter((frame) => frame.length < 18).length,
      understood: true,
    });
  },
);

it('something shorter than an Ethernet header is left out, and what follows it is not', () => {
  const good = withPrefix(filled(14, 9));
  const runts = Array.from({ length: 14 }, (_, length) => withPrefix(filled(length, 7)));
  const stream = Buffer.concat([...runts, good]);
  expect(split([stream])).toEqual({ frames: hex([good]), runts: 14, understood: true });
  expect(split(Array.from(stream, (_, at) => stream.subarray(at, at + 1)))).toEqual({
    frames: hex([good]),
    runts: 14,
    understood: true,
  });
});

it.each([65_563, 0x0002_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])(
  'a length of %i ends the stream, whole or cut',
  (length) => {
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(length);
    const good = withPrefix(filled(20, 1));
    expect(split([Buffer.concat([good, prefix])])).toEqual({
      frames: hex([good]),
      runts: 0,
      understood: false,
    });
    for (const at of [1, 2, 3]) {
      expect(split([prefix.subarray(0, at), prefix.subarray(at)]).understood).toBe(false);
    }
  },
);

it('the longest frame that libkrun sends is one', () => {
  expect(split([withPrefix(filled(65_562, 1))]).frames).toHaveLength(1);
});
