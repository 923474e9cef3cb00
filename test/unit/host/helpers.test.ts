import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findHelper, missingHelper } from '../../../src/host/helpers.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'krun-helpers-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function program(name: string, mode = 0o755): string {
  const file = path.join(directory, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, mode);
  return file;
}

test('the file comes before the environment, PATH and the usual places', () => {
  const configured = program('own/gvp');
  const variable = program('env/gvproxy');
  const inPath = program('bin/gvproxy');
  const usual = program('home/go/bin/gvproxy');
  const environment = {
    KRUN_GVPROXY: variable,
    PATH: path.dirname(inPath),
    HOME: path.join(directory, 'home'),
  };
  const found = (configuredPath: string | undefined, variables: NodeJS.ProcessEnv) =>
    findHelper('gvproxy', configuredPath === undefined ? {} : { gvproxy: configuredPath }, variables);
  expect(found(configured, environment)).toEqual({ kind: 'found', path: configured, source: 'krun.yaml' });
  expect(found(undefined, environment)).toEqual({ kind: 'found', path: variable, source: 'environment' });
  const { KRUN_GVPROXY: _, ...withoutVariable } = environment;
  expect(found(undefined, withoutVariable)).toEqual({ kind: 'found', path: inPath, source: 'PATH' });
  // Another place may come first on a machine that has gvproxy.
  expect(found(undefined, { HOME: environment.HOME })).toMatchObject({ source: 'usual place' });
  expect(usual).toContain('go/bin');
});

test('what is in PATH counts only when it can be started', () => {
  const good = program('b/passt');
  mkdirSync(path.join(directory, 'a', 'passt'), { recursive: true });
  program('c/passt', 0o644);
  const PATH = ['.', '', 'a', 'c', 'b']
    .map((name) => (name === '' || name === '.' ? name : path.join(directory, name)))
    .join(path.delimiter);
  expect(findHelper('passt', {}, { PATH }, 'linux')).toEqual({ kind: 'found', path: good, source: 'PATH' });
});

test('a program that is named and cannot be started is told, and nothing else is tried', () => {
  const inPath = program('bin/gvproxy');
  const environment = { PATH: path.dirname(inPath) };
  const absent = path.join(directory, 'none');
  const search = findHelper('gvproxy', { gvproxy: absent }, environment);
  expect(search).toEqual({ kind: 'unusable', path: absent, source: 'krun.yaml', reason: 'does not exist' });
  expect(findHelper('gvproxy', { gvproxy: directory }, environment)).toMatchObject({
    reason: 'is not a file',
  });
  expect(findHelper('gvproxy', {}, { ...environment, KRUN_GVPROXY: program('text', 0o644) })).toMatchObject({
    kind: 'unusable',
    source: 'environment',
    reason: 'is not executable for your user',
  });
});

test('a helper of another system is not looked for', () => {
  const file = program('bin/vmnet-helper');
  expect(findHelper('vmnet-helper', {}, { PATH: path.dirname(file) }, 'linux')).toBeUndefined();
  expect(findHelper('vmnet-helper', {}, { PATH: path.dirname(file) }, 'darwin')?.path).toBe(file);
});

test('a missing helper is told with what to do', () => {
  expect(missingHelper('passt', undefined, { platform: 'linux', distribution: 'debian' })).toEqual({
    message: 'passt is not installed',
    hint: 'install it: `sudo apt install passt`; or name the program in KRUN_PASST',
  });
  const unusable = {
    kind: 'unusable',
    path: '/opt/gvproxy',
    source: 'environment',
    reason: 'does not exist',
  } as const;
  expect(missingHelper('gvproxy', unusable)).toEqual({
    message: 'gvproxy: /opt/gvproxy does not exist',
    hint: 'KRUN_GVPROXY names it; correct the path, or remove it and krun looks in PATH and the usual places',
  });
});
