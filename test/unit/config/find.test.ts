import { describe, expect, test } from 'vitest';
import { findProject, type FindRequest } from '../../../src/config/find.ts';
import { memoryFiles } from './support/memory-files.ts';

async function find(files: Readonly<Record<string, string>>, request: Partial<FindRequest> = {}) {
  const whole = { workingDirectory: '/p', files: [], envFiles: [], environment: {}, ...request };
  const found = await findProject(whole, memoryFiles(files));
  if (!found.ok) return { errors: found.error.map(({ code, message }) => `${code}: ${message}`) };
  const { directory, files: names, overrideName, warnings, variables } = found.value;
  return {
    directory,
    files: names,
    ...(overrideName === undefined ? {} : { overrideName }),
    ...(warnings.length > 0 ? { warnings: warnings.map(({ message }) => message) } : {}),
    variable: variables.get('A'),
  };
}

describe('the files of a project', () => {
  test('are found in the working directory', async () => {
    expect(await find({ '/p/krun.yaml': '' })).toMatchObject({ directory: '/p', files: ['/p/krun.yaml'] });
    expect(await find({ '/p/krun.yml': '' })).toMatchObject({ directory: '/p', files: ['/p/krun.yml'] });
  });

  test('are found in a directory above, and their override beside them', async () => {
    const files = {
      '/p/krun.yaml': '',
      '/p/krun.override.yml': '',
      '/p/a/krun.override.yaml': '',
      '/p/a/b/': '',
    };
    expect(await find(files, { workingDirectory: '/p/a/b' })).toMatchObject({
      directory: '/p',
      files: ['/p/krun.yaml', '/p/krun.override.yml'],
    });
  });

  test('of two names the first is used, with a warning', async () => {
    const files = {
      '/p/krun.yaml': '',
      '/p/krun.yml': '',
      '/p/krun.override.yaml': '',
      '/p/krun.override.yml': '',
    };
    expect(await find(files)).toMatchObject({
      files: ['/p/krun.yaml', '/p/krun.override.yaml'],
      warnings: [
        'krun.yml is not read, because krun.yaml is beside it',
        'krun.override.yml is not read, because krun.override.yaml is beside it',
      ],
    });
  });

  test('are those of -f, without an override file, each once', async () => {
    const files = { '/p/krun.override.yaml': '', '/q/a.yaml': '', '/q/b.yaml': '' };
    expect(await find(files, { files: ['../q/a.yaml', '/q/b.yaml', '../q/a.yaml'] })).toMatchObject({
      directory: '/q',
      files: ['/q/a.yaml', '/q/b.yaml'],
    });
  });

  test('can come through standard input', async () => {
    expect(await find({ '/p/': '' }, { files: ['-'] })).toMatchObject({
      directory: '/p',
      files: ['<stdin>'],
    });
    expect(await find({ '/q/b.yaml': '' }, { files: ['-', '/q/b.yaml'] })).toMatchObject({ directory: '/q' });
  });

  test('are those of KRUN_FILE, unless -f is given', async () => {
    const files = { '/p/a.yaml': '', '/p/b.yaml': '', '/p/c.yaml': '' };
    const environment = { KRUN_FILE: 'a.yaml:b.yaml' };
    expect(await find(files, { environment })).toMatchObject({ files: ['/p/a.yaml', '/p/b.yaml'] });
    expect(await find(files, { environment, files: ['c.yaml'] })).toMatchObject({ files: ['/p/c.yaml'] });
  });

  test('cannot be found from a --project-directory that is none', async () => {
    const files = { '/p/krun.yaml': '' };
    expect(await find(files, { projectDirectory: 'nope' })).toEqual({
      errors: ['file-not-found: `nope` (--project-directory) does not exist'],
    });
    expect(await find(files, { projectDirectory: 'krun.yaml', files: ['krun.yaml'] })).toEqual({
      errors: ['file-not-found: `krun.yaml` (--project-directory) is a file, not a directory'],
    });
  });

  test('start from --project-directory', async () => {
    const files = { '/p/a.yaml': '', '/q/krun.yaml': '' };
    expect(await find(files, { projectDirectory: '../q' })).toMatchObject({
      directory: '/q',
      files: ['/q/krun.yaml'],
    });
    expect(await find(files, { projectDirectory: '/q', files: ['a.yaml'] })).toMatchObject({
      directory: '/q',
      files: ['/p/a.yaml'],
    });
  });
});

describe('without a file', () => {
  test('the search is told', async () => {
    expect(await find({ '/p/other.yaml': '' })).toEqual({
      errors: ['file-not-found: no krun.yaml in this directory or in one above it'],
    });
  });

  test('every -f that is none is told', async () => {
    expect(await find({ '/p/dir/': '' }, { files: ['a.yaml', 'dir'] })).toEqual({
      errors: [
        'file-not-found: there is no file `a.yaml` (-f)',
        'file-unreadable: `dir` (-f) is a directory, not a file',
      ],
    });
  });
});

describe('variables', () => {
  const files = {
    '/p/krun.yaml': '',
    '/p/.env': 'A=dotenv\n',
    '/p/x.env': 'B=1\nA=x$B\n',
    '/p/y.env': 'A=${A}y\n',
  };

  test('come from .env of the project directory', async () => {
    expect(await find({ ...files, '/p/a/.env': 'A=no\n' }, { workingDirectory: '/p/a' })).toMatchObject({
      variable: { value: 'dotenv', origin: { kind: 'file', file: '/p/.env', line: 1 } },
    });
  });

  test('come from the environment first', async () => {
    expect(await find(files, { environment: { A: 'env' } })).toMatchObject({
      variable: { value: 'env', origin: { kind: 'environment' } },
    });
  });

  test('come from --env-file instead of .env, the later on top', async () => {
    expect(await find(files, { envFiles: ['x.env', 'y.env'] })).toMatchObject({
      variable: { value: 'x1y', origin: { file: '/p/y.env' } },
    });
  });

  test('a missing --env-file is an error, a missing .env is not', async () => {
    expect(await find(files, { envFiles: ['none.env'] })).toEqual({
      errors: ['file-not-found: there is no file `none.env`'],
    });
    expect(await find({ '/p/krun.yaml': '' })).toMatchObject({ variable: undefined });
  });

  test('a mistake in .env ends the search', async () => {
    expect(await find({ '/p/krun.yaml': '', '/p/.env': 'A="x\n' })).toEqual({
      errors: ['environment: the closing " is missing'],
    });
  });

  test('a mistake in .env is left out for who needs no variable, unless it may hide the name of the project', async () => {
    const lenient = { isLenient: true };
    expect(await find({ '/p/krun.yaml': '', '/p/.env': 'A=1\nB="x\n' }, lenient)).toMatchObject({
      directory: '/p',
      variable: { value: '1' },
    });
    const named = { '/p/krun.yaml': '', '/p/.env': 'KRUN_PROJECT_NAME=shop\nB="x\n' };
    expect(await find(named, lenient)).toHaveProperty('errors');
    expect(
      await find({ '/p/krun.yaml': '', '/p/b.env': 'B="x\n' }, { ...lenient, envFiles: ['b.env'] }),
    ).toHaveProperty('errors');
  });
});

describe('the name that was given', () => {
  const files = { '/p/krun.yaml': '', '/p/.env': 'KRUN_PROJECT_NAME=dotenv\n' };

  test('is that of -p, then that of KRUN_PROJECT_NAME, then none', async () => {
    const environment = { KRUN_PROJECT_NAME: 'env' };
    expect(await find(files, { projectName: 'p', environment })).toMatchObject({ overrideName: 'p' });
    expect(await find(files, { environment })).toMatchObject({ overrideName: 'env' });
    expect(await find(files)).toMatchObject({ overrideName: 'dotenv' });
    expect(await find({ '/p/krun.yaml': '' })).not.toHaveProperty('overrideName');
    expect(await find({ '/p/krun.yaml': '' }, { environment: { KRUN_PROJECT_NAME: '' } })).not.toHaveProperty(
      'overrideName',
    );
  });

  test('is refused where it is none', async () => {
    expect(await find(files, { projectName: 'My Shop' })).toEqual({
      errors: ['usage: `My Shop` (-p) is no project name'],
    });
  });
});
