import { expect, test } from 'vitest';
import { resolveText } from './support.ts';

test('a machine without a build has the build of the machine with the same root', () => {
  const { project, text } = resolveText(`machines:
  db: { root: ./r, build: { command: [./make] }, command: [x] }
  job: { root: r, command: [x] }
  other: { root: ./elsewhere, command: [x] }
`);
  expect(text.trim()).toBe('');
  expect(project?.machines['job']?.build).toEqual(project?.machines['db']?.build);
  expect(project?.machines['db']?.build?.command).toEqual(['./make']);
  expect(project?.machines['other']?.build).toBeUndefined();
});

test('the same build may be written twice, another one may not', () => {
  const { text } = resolveText(`machines:
  a: { root: ./r, build: { command: [./make] }, command: [x] }
  b: { root: ./r, build: { command: [./make] }, command: [x] }
  c: { root: ./r, build: { command: [./other] }, command: [x] }
`);
  expect(text).toMatchInlineSnapshot(`
    "
    4:26 error conflict: machines \`a\` and \`c\` build the same root in different ways
        2:26 \`a\` builds it here
        hint: build it in one of them; the other one waits for that
    "
  `);
});
