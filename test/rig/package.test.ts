import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '..', '..');
const examples = path.join(root, 'examples', 'api');
const names = (await readdir(examples)).filter((name) => name.endsWith('.ts'));

/** The build that the rig's tests run, with what of the checkout belongs to the package. */
const built = path.resolve(path.dirname(process.env['KRUN_TEST_PROGRAM'] ?? ''), '..');

let base: string;
/** An empty directory with the package in it, as a user has it. */
let project: string;
let packed: readonly string[];

/** npm as a user's shell runs it: not as a child of the npm that runs the tests. */
async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_/i.test(name) || /cache|registry/.test(name),
  );
  const env = { ...Object.fromEntries(kept), npm_config_update_notifier: 'false' };
  return (await run('npm', [...args], { cwd, env, maxBuffer: 2 ** 26 })).stdout;
}

async function tsc(...args: readonly string[]): Promise<string> {
  const program = path.join(root, 'node_modules/typescript/bin/tsc');
  try {
    return (await run(process.execPath, [program, ...args], { cwd: project })).stdout;
  } catch (error) {
    return String((error as { readonly stdout: unknown }).stdout);
  }
}

/** A package of the checkout as a tarball. */
async function packModule(name: string): Promise<string> {
  const directory = path.join(root, 'node_modules', name);
  const [report] = JSON.parse(
    await npm(directory, 'pack', '--json', '--ignore-scripts', '--pack-destination', base),
  ) as readonly { readonly filename: string }[];
  return path.join(base, report?.filename ?? '');
}

beforeAll(async () => {
  base = await realpath(await mkdtemp(path.join(os.tmpdir(), 'krun-package-')));
  const source = path.join(base, 'source');
  await cp(built, source, { recursive: true });
  await cp(path.join(root, 'LICENSE'), path.join(source, 'LICENSE'));
  await cp(path.join(root, 'README.md'), path.join(source, 'README.md'));
  const [report] = JSON.parse(await npm(source, 'pack', '--json', '--ignore-scripts')) as readonly {
    readonly filename: string;
    readonly files: readonly { readonly path: string }[];
  }[];
  if (!report) throw new Error('npm packed nothing');
  packed = report.files.map((file) => file.path);

  project = path.join(base, 'project');
  await mkdir(project);
  await writeFile(
    path.join(project, 'package.json'),
    '{ "name": "user", "private": true, "type": "module" }\n',
  );
  // koffi as the checkout has it, with the addon of this platform: the test needs no registry.
  const koffi = await packModule('koffi');
  const tarball = path.join(source, report.filename);
  const quiet = ['--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund'];
  await npm(project, 'install', '--offline', ...quiet, koffi, tarball);
  for (const name of ['@koromix', '@types', 'undici-types'])
    await cp(path.join(root, 'node_modules', name), path.join(project, 'node_modules', name), {
      recursive: true,
    });
});

afterAll(() => rm(base, { recursive: true, force: true }));

describe('the package', () => {
  test('contains the programs, the exported modules with their types, the schema and licences, and nothing else', () => {
    const dist = packed.filter((file) => file.startsWith('dist/'));
    expect(packed.filter((file) => !file.startsWith('dist/')).toSorted()).toEqual([
      'LICENSE',
      'README.md',
      'bin/krun',
      'bin/package.json',
      'package.json',
      'schema/krun.schema.json',
    ]);
    expect(dist).toEqual(
      expect.arrayContaining([
        'dist/cli.cjs',
        'dist/supervisor.js',
        'dist/machine.js',
        'dist/network.js',
        'dist/builder.js',
        'dist/libkrun.js',
        'dist/types/builder/index.d.ts',
        'dist/types/libkrun/index.d.ts',
        'dist/THIRD-PARTY-NOTICES',
      ]),
    );
    const kinds = dist.map(
      (file) => /(\.d\.ts|\.js|\.cjs|\.LEGAL\.txt|THIRD-PARTY-NOTICES)$/.exec(file)?.[0],
    );
    expect(dist.filter((_, index) => kinds[index] === undefined)).toEqual([]);
    expect(dist.filter((file) => file.includes('types/') && !file.endsWith('.d.ts'))).toEqual([]);
  });

  test('runs by the name of its command', async () => {
    const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
      readonly version: string;
    };
    expect(await npm(project, 'exec', '--offline', '--no', '--', 'krun', '--version')).toContain(version);
  });

  test('has modules that a program imports, and the schema', async () => {
    const program = `
      import { readFileSync } from 'node:fs';
      import { createRequire } from 'node:module';
      import { BuilderError, vm } from 'krun/builder';
      import { KrunError, stubLibkrun } from 'krun/libkrun';
      const library = stubLibkrun();
      const machine = vm().fs((fs) => fs.root(process.cwd())).build();
      const refused = await machine.enter({ library }).catch((error) => error.name);
      const schema = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('krun/schema'), 'utf8'));
      const mistake = (() => { try { vm().build(); } catch (error) { return error instanceof BuilderError; } })();
      const error = (() => { try { library.createContext().free(); stubLibkrun().maxVcpus(); } catch (e) { return e; } })();
      console.log(JSON.stringify({ refused, calls: library.calls.length > 5, mistake, error: error ?? null,
        schema: schema.title !== undefined, class: typeof KrunError }));
    `;
    await writeFile(path.join(project, 'import.mjs'), program);
    const { stdout } = await run(process.execPath, ['import.mjs'], { cwd: project });
    expect(JSON.parse(stdout)).toEqual({
      refused: 'LibkrunNotAvailable',
      calls: true,
      mistake: true,
      error: null,
      schema: true,
      class: 'function',
    });
  });

  test('keeps everything that is not exported to itself', async () => {
    await writeFile(path.join(project, 'inside.mjs'), "import 'krun/dist/machine.js';\n");
    await expect(run(process.execPath, ['inside.mjs'], { cwd: project })).rejects.toThrow(
      'ERR_PACKAGE_PATH_NOT_EXPORTED',
    );
  });
});

describe('the types of the package', () => {
  const strict = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--target',
    'es2023',
    '--types',
    'node',
  ];
  const resolutions = [
    ['nodenext', ['--module', 'nodenext']],
    ['bundler', ['--module', 'esnext', '--moduleResolution', 'bundler']],
  ] as const;

  beforeAll(async () => {
    for (const name of names) await cp(path.join(examples, name), path.join(project, name));
  });

  test.each(resolutions)(
    'fit the examples, libraries included, with the resolution %s',
    async (_, options) => {
      // Without skipLibCheck: the declarations themselves are checked too.
      expect(await tsc(...strict, ...options, ...names)).toBe('');
    },
  );

  test.each(resolutions)('find mistakes of a program with the resolution %s', async (_, options) => {
    await writeFile(
      path.join(project, 'wrong.ts'),
      "import { vm } from 'krun/builder';\nimport { loadLibkrun } from 'krun/libkrun';\nvm().machine((m) => m.vcpus('4'));\nloadLibkrun({ variant: 'none' });\n",
    );
    const told = await tsc(...strict, ...options, 'wrong.ts');
    expect(told).toMatch(/wrong\.ts\(3,\d+\): error TS2345/);
    expect(told).toMatch(/wrong\.ts\(4,\d+\): error TS2322/);
    expect(told.trim().split('\n')).toHaveLength(2);
  });
});

describe('the examples', () => {
  /** Without types, which Node 20 cannot strip by itself. */
  async function program(name: string): Promise<string> {
    const { code } = await transform(await readFile(path.join(examples, name), 'utf8'), { loader: 'ts' });
    const file = path.join(project, name.replace(/\.ts$/, '.mjs'));
    await writeFile(file, code);
    return file;
  }

  test.each(names.filter((name) => name !== 'chroot-vm.ts'))(
    '%s runs where there is no libkrun',
    async (name) => {
      const env = { PATH: process.env['PATH'], HOME: base };
      const { stdout, stderr } = await run(process.execPath, [await program(name)], { cwd: project, env });
      expect(stderr).toBe('');
      expect(stdout).not.toBe('');
    },
  );

  test('chroot-vm.ts runs a command in a directory and ends with its exit code', async () => {
    const env = { ...process.env, KRUN_LIBKRUN: process.env['KRUN_TEST_FAKE_LIBKRUN'] };
    const file = await program('chroot-vm.ts');
    const entered = run(process.execPath, [file, '/', '/bin/sh', '-c', 'echo in; exit 7'], {
      cwd: project,
      env,
    });
    await expect(entered).rejects.toMatchObject({ code: 7, stdout: 'in\n' });
    const refused = run(process.execPath, [file, '/nowhere', '/bin/sh'], { cwd: project, env });
    await expect(refused).rejects.toMatchObject({
      code: 125,
      stderr: 'chroot-vm: root /nowhere does not exist\n',
    });
  });
});
