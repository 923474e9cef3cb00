import { describe, expect, test } from 'vitest';
import { interpolateTree } from '../../../src/config/interpolate.ts';
import { environmentVariables } from '../../../src/config/variables.ts';
import { toPlain, treeAt } from '../../../src/source/locate.ts';
import { parseYaml } from '../../../src/source/parse.ts';

const path = '/p/krun.yaml';

function interpolate(text: string, environment: Record<string, string> = {}) {
  const { tree } = parseYaml({ path, text });
  if (!tree) throw new Error('no tree');
  return interpolateTree(tree, environmentVariables(environment), new Map([[path, text]]));
}

/** The underlined text and the message of everything that is wrong. */
function mistakes(text: string, environment: Record<string, string> = {}): string[] {
  return interpolate(text, environment).diagnostics.map(
    ({ message, span }) => `${text.slice(span?.start, span?.end)} | ${message}`,
  );
}

describe('variables', () => {
  test('fill values of every style, and never keys', () => {
    const text = ['$V: $V', "b: '$V'", 'c: "${V}"', 'd: |', '  x $V', 'e: [$V, {f: $V}]', ''].join('\n');
    expect(toPlain(interpolate(text, { V: '1' }).tree)).toEqual({
      $V: '1',
      b: '1',
      c: '1',
      d: 'x 1\n',
      e: ['1', { f: '1' }],
    });
  });

  test('give text, whatever it looks like', () => {
    const { tree } = interpolate('a: ${N}\nb: ${B}\nc: ${Z}\n', { N: '2', B: 'true', Z: '' });
    expect(toPlain(tree)).toEqual({ a: '2', b: 'true', c: '' });
  });

  test('are remembered with the value', () => {
    const { tree } = interpolate('a: $V${W:-x}\nb: $$V\n', { V: '1' });
    expect(treeAt(tree, ['a'])).toMatchObject({ variables: [{ name: 'V' }, { name: 'W' }] });
    expect(treeAt(tree, ['b'])).not.toHaveProperty('variables');
  });

  test('are left alone in extensions of the file and of machines', () => {
    const text = 'x-price: 5$\nmachines:\n  web:\n    x-note: $1\n    command: a\n';
    expect(mistakes(text)).toEqual([]);
  });

  test('are filled in where an extension is used through an anchor', () => {
    const text = 'x-base: &base\n  memory: $MEM\nmachines:\n  web: *base\n';
    expect(toPlain(interpolate(text, { MEM: '1GiB' }).tree)).toMatchObject({
      machines: { web: { memory: '1GiB' } },
    });
  });
});

describe('a mistake', () => {
  test.each<[string, string, string]>([
    ['in plain text', 'a: x ${NONE} y\n', '${NONE} | variable `NONE` is not set'],
    ['in double quotes', 'a: "x ${NONE} y"\n', '${NONE} | variable `NONE` is not set'],
    ['in single quotes', "a: 'x $NONE'\n", '$NONE | variable `NONE` is not set'],
    ['after an escape', 'a: "\\t${NONE}"\n', '${NONE} | variable `NONE` is not set'],
    ['in a block', 'a: |\n  one\n  two $NONE\n', '$NONE | variable `NONE` is not set'],
    ['that stands there twice', 'a: |\n  $NONE $NONE\n', '|\n  $NONE $NONE\n | variable `NONE` is not set'],
    ['of syntax', 'a: x ${1} y\n', '${1} | `1` is no variable name'],
  ])('%s is underlined alone where that is possible', (_name, text, expected) => {
    expect(mistakes(text)[0]).toBe(expected);
  });

  test('in a shared value is told once', () => {
    expect(mistakes('a: &a {v: $NONE}\nb: *a\nc: *a\n')).toHaveLength(1);
  });

  test('has the nearest variable as a hint', () => {
    const { diagnostics } = interpolate('a: $WEB_PROT\n', { WEB_PORT: '80', PATH: '/bin' });
    expect(diagnostics[0]).toMatchObject({ code: 'unset-variable', hint: 'did you mean `WEB_PORT`?' });
  });

  test('without a near variable has the ways out as a hint', () => {
    const { diagnostics } = interpolate('a: $TOTALLY_ELSE\n', { PATH: '/bin' });
    expect(diagnostics[0]?.hint).toBe(
      "set it in the environment or in .env; `${TOTALLY_ELSE:-}` is an empty value, `$$TOTALLY_ELSE` a variable of the guest's own",
    );
  });
});
