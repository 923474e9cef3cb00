import { expect, test } from 'vitest';
import { toJson, toYaml } from '../../../src/view/yaml.ts';

const shared = { a: 'yes', b: '1', c: 'x: y' };

test('YAML has neither aliases nor folded lines, and quotes what would be read otherwise', () => {
  expect(toYaml({ one: shared, two: [shared.a, null, 2n ** 70n], long: 'word '.repeat(40).trim() })).toBe(
    [
      'one:',
      '  a: yes',
      '  b: "1"',
      '  c: "x: y"',
      'two:',
      '  - yes',
      '  - null',
      '  - 1180591620717411303424',
      `long: ${'word '.repeat(40).trim()}`,
      '',
    ].join('\n'),
  );
});

test('JSON has integers too large for a number as text', () => {
  expect(toJson({ a: 2n ** 70n, b: ['1'] })).toBe(
    '{\n  "a": "1180591620717411303424",\n  "b": [\n    "1"\n  ]\n}\n',
  );
});
