import { describe, expect, it } from 'vitest';
import { FRAME, LONGEST_FRAME_BYTES } from '../../../src/session/api.ts';
import { encodeFrame, FrameDecoder, FrameError } from '../../../src/session/frames.ts';
import { MessageReader, refusalText, requestText } from '../../../src/session/handshake.ts';

/** Pieces of any length, also of one byte. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const length = lengths[index % lengths.length] ?? 1;
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

describe('frames', () => {
  const all = [
    encodeFrame(FRAME.stdin, Buffer.from([0, 255, 10, 13])),
    encodeFrame(FRAME.stdinEnd),
    encodeFrame(FRAME.signal, 'INT'),
    encodeFrame(FRAME.stdout, Buffer.alloc(LONGEST_FRAME_BYTES, 'x')),
    encodeFrame(200, 'later'),
  ];

  it.each([[[1]], [[4096]], [[3, 70_000, 1]], [[10_000_000]]])(
    'are the same however they are cut: %j',
    (lengths) => {
      const decoder = new FrameDecoder();
      const frames = cut(Buffer.concat(all), lengths).flatMap((piece) => decoder.push(piece));
      expect(frames.map(({ kind, payload }) => [kind, payload.length])).toEqual([
        [FRAME.stdin, 4],
        [FRAME.stdinEnd, 0],
        [FRAME.signal, 3],
        [FRAME.stdout, LONGEST_FRAME_BYTES],
        [200, 5],
      ]);
      expect(frames[0]?.payload).toEqual(Buffer.from([0, 255, 10, 13]));
      expect(frames[4]?.payload.toString()).toBe('later');
    },
  );

  it('are one byte of kind, four of length, and the payload', () => {
    expect([...encodeFrame(5, 'ab')]).toEqual([5, 0, 0, 0, 2, 97, 98]);
  });

  it('that are too long are refused by their header', () => {
    expect(() => new FrameDecoder().push(Buffer.from([0, 0, 16, 0, 1]))).toThrow(FrameError);
    expect(() => encodeFrame(0, Buffer.alloc(LONGEST_FRAME_BYTES + 1))).toThrow('a frame of 1048577 bytes');
  });
});

describe('the handshake', () => {
  const read = (text: string, length = 10_000_000): unknown => {
    const reader = new MessageReader();
    const results = cut(Buffer.from(text), [length]).map((piece) => reader.push(piece));
    return results.find((result) => result !== undefined);
  };

  it.each([1, 7, 10_000_000])('is read in pieces of %i bytes, up to its end', (length) => {
    const text = requestText('{"é":1}');
    const result = read(text, length) as { message: { body: string }; rest: Buffer };
    expect(result.message.body).toBe('{"é":1}');
    expect(result.message).toMatchObject({ start: 'POST /sessions HTTP/1.1' });
    expect(read(`${text}more`)).toMatchObject({ rest: Buffer.from('more') });
  });

  it('of an answer 101 has no body, and a refusal has one', () => {
    expect(read('HTTP/1.1 101 Switching Protocols\r\nContent-Length: 5\r\n\r\nabcde')).toMatchObject({
      message: { body: '' },
      rest: Buffer.from('abcde'),
    });
    expect(read(refusalText('409 Conflict', { kind: 'no-agent' }))).toMatchObject({
      message: { start: 'HTTP/1.1 409 Conflict', body: '{"kind":"no-agent"}' },
    });
  });

  it.each(['-1', '1e99', 'many', '8388609'])('with the length %s is none', (length) => {
    expect(read(`POST /sessions HTTP/1.1\r\nContent-Length: ${length}\r\n\r\n`)).toBe('invalid');
  });
});
