import { describe, expect, it } from 'vitest';
import { EventLines, parseEvent, parseNotice } from '../../../src/machine/guest-events.ts';
import { MarkFilter, MarkSearch } from '../../../src/machine/mark-filter.ts';

/** What comes through a filter, and after which piece its end was seen. */
function filtered(mark: string, pieces: readonly string[]): readonly [text: string, end: number] {
  const filter = new MarkFilter(mark);
  const seen = pieces.map((piece) => filter.push(Buffer.from(piece)));
  return [seen.map(({ data }) => data.toString()).join('|'), seen.findIndex(({ isEnd }) => isEnd)];
}

describe('the mark at the end of an output', () => {
  it.each([
    ['alone', ['MARK'], ['', 0]],
    ['after output', ['abcMARK'], ['abc', 0]],
    ['in pieces', ['abM', 'AR', 'K'], ['ab||', 2]],
    ['byte by byte', ['a', 'M', 'A', 'R', 'K'], ['a||||', 4]],
    ['that only seems to begin', ['abMA', 'b', 'MARK'], ['ab|MAb|', 2]],
    ['after its own beginning', ['MMAMARK'], ['MMA', 0]],
    ['after its own beginning, cut', ['MAMA', 'RK'], ['MA|', 1]],
    ['that is not the last', ['MARKx'], ['MARKx', -1]],
    ['that never comes', ['abc', 'def'], ['abc|def', -1]],
  ] as const)('%s', (_, pieces, expected) => {
    expect(filtered('MARK', pieces)).toEqual(expected);
  });

  it('leaves bytes as they are', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    expect(new MarkFilter('mark').push(bytes)).toEqual({ data: bytes, isEnd: false });
  });
});

describe('the mark at the beginning of an output', () => {
  it('ends what was there before, and only then something follows', () => {
    const search = new MarkSearch('MARK');
    expect(search.push(Buffer.from('old MA'))).toBeUndefined();
    expect(search.push(Buffer.from('RKnew'))?.toString()).toBe('new');
    expect(new MarkSearch('MARK').push(Buffer.from('MARK'))?.toString()).toBe('');
  });
});

describe('events', () => {
  it('are lines, however they are cut, and others are passed over', () => {
    const lines = new EventLines();
    const whole = ['start', 'ed 1\nexit 1 7\njunk\nerr', 'or 2 a b  c\n'].flatMap((piece) =>
      lines.push(piece),
    );
    expect(whole).toEqual(['started 1', 'exit 1 7', 'junk', 'error 2 a b  c']);
    expect(whole.flatMap((line) => parseEvent(line) ?? [])).toEqual([
      { kind: 'started', serial: 1, text: '' },
      { kind: 'exit', serial: 1, text: '7' },
      { kind: 'error', serial: 2, text: 'a b  c' },
    ]);
  });

  it('that are about no session are told people', () => {
    expect(['clock -3600', 'clock 2', 'missing date', 'missing $(x)', 'clock x'].map(parseNotice)).toEqual([
      "the guest's clock was 3600 s behind, and is set",
      "the guest's clock was 2 s ahead, and is set",
      'the guest has no date, so its clock is not corrected',
      undefined,
      undefined,
    ]);
  });

  it.each(['', 'exit', 'exit x 1', 'exit 1234567890123456 1', 'ready', ' started 1', 'clock 5'])(
    'are not %j',
    (line) => {
      expect(parseEvent(line)).toBeUndefined();
    },
  );

  it('without an end take no more memory than a line may have', () => {
    const lines = new EventLines();
    for (let count = 0; count < 100; count += 1) expect(lines.push('x'.repeat(10_000))).toEqual([]);
    expect(lines.push('\nstarted 3\n').map((line) => line.length)).toEqual([64 * 1024, 9]);
  });
});
