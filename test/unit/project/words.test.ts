import { expect, test } from 'vitest';
import { splitWords } from '../../../src/project/words.ts';

test.each<[string, string[]]>([
  ['', []],
  ['   ', []],
  ['sleep 10', ['sleep', '10']],
  ['  a \t b\n c ', ['a', 'b', 'c']],
  [`sh -c 'echo "a b"'`, ['sh', '-c', 'echo "a b"']],
  [`a "b c"d'e f'`, ['a', 'b cde f']],
  [`a "" ''`, ['a', '', '']],
  ['a\\ b c', ['a b', 'c']],
  [`'a\\b'`, ['a\\b']],
  [`"a\\"b\\\\c\\$d\\n"`, ['a"b\\c$d\\n']],
  ['a \\\n b', ['a', 'b']],
  ['a\\\nb', ['ab']],
  ['echo $HOME * | cat > x', ['echo', '$HOME', '*', '|', 'cat', '>', 'x']],
  ['ä "ö ü"', ['ä', 'ö ü']],
])('%j splits into words as a shell does', (text, words) => {
  expect(splitWords(text)).toEqual({ ok: true, value: words });
});

test.each([
  [`echo 'a`, "a single quote (') is not closed"],
  ['echo "a', 'a double quote (") is not closed'],
  ['echo "a\\"', 'a double quote (") is not closed'],
  ['echo a\\', 'nothing follows the last backslash'],
])('%j is refused: %s', (text, error) => {
  expect(splitWords(text)).toEqual({ ok: false, error });
});
