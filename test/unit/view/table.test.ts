import { expect, test } from 'vitest';
import { renderTable } from '../../../src/view/table.ts';

const COLUMNS = [{ title: 'NAME' }, { title: 'COMMAND', shrinks: true }, { title: 'PORTS', shrinks: true }];

test('columns are as wide as their widest cell, and lines end without spaces', () => {
  const rows = [
    ['web', '/bin/httpd', '8080->80/tcp'],
    ['database', 'sh', ''],
  ];
  expect(renderTable(COLUMNS, rows, undefined)).toBe(
    ['NAME       COMMAND      PORTS', 'web        /bin/httpd   8080->80/tcp', 'database   sh'].join('\n'),
  );
});

test('the widest column that may shrink gives way until the table fits', () => {
  const rows = [['web', 'a'.repeat(60), '8080->80/tcp']];
  const text = renderTable(COLUMNS, rows, 40);
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(40);
  expect(text).toContain(`${'a'.repeat(17)}…`);
  expect(text).toContain('8080->80/tcp');
});

test('a column that may not shrink is never cut', () => {
  const name = 'n'.repeat(50);
  expect(renderTable(COLUMNS, [[name, 'sh', '']], 20)).toContain(name);
});

test('control characters do not reach the terminal', () => {
  expect(renderTable(COLUMNS, [['web', 'a\u001b[31mb\nc', '']], undefined)).toContain('a [31mb c');
});

test('wide characters take two columns', () => {
  const text = renderTable([{ title: 'A' }, { title: 'B' }], [['日本', 'x']], undefined);
  expect(text).toBe('A      B\n日本   x');
});
