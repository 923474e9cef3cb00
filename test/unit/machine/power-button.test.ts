import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { PowerButton } from '../../../src/machine/power-button.ts';

test('a guest without a button cannot be asked', () => {
  const button = new PowerButton();
  button.connect(undefined);
  expect(button.press()).toBe(false);
});

test('a press is the number one in eight bytes, as an eventfd takes it', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'krun-button-'));
  const file = path.join(directory, 'fd');
  const fd = openSync(file, 'w');
  const button = new PowerButton();
  button.connect(fd);
  expect(button.press()).toBe(true);
  closeSync(fd);
  expect([...readFileSync(file)]).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
  rmSync(directory, { recursive: true });
});
