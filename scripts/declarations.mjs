// The types of the modules that programs import: what tsc says of them, as far as they lead.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

/** A relative import in a declaration, which names the source. */
const IMPORT = /(\bfrom |\bimport\()(['"])(\.[^'"]*)\.ts\2/g;

/** Writes the declarations of modules of src/, and of all that they mention, below a directory; returns their paths. */
export async function writeDeclarations(root, modules, directory) {
  const emitted = await mkdtemp(path.join(os.tmpdir(), 'krun-types-'));
  try {
    await emit(root, modules, emitted);
    /** Path below the directory to text. */
    const files = new Map();
    const pending = modules.map((module) => declarationOf(path.relative('src', module)));
    for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
      if (files.has(file)) continue;
      const text = await readFile(path.join(emitted, file), 'utf8');
      const folder = path.dirname(file);
      for (const [, , , target] of text.matchAll(IMPORT)) pending.push(path.join(folder, `${target}.d.ts`));
      // An installed package has no sources for TypeScript to find.
      files.set(file, text.replaceAll(IMPORT, '$1$2$3.js$2'));
    }
    return await Promise.all([...files].map(([file, text]) => write(path.join(directory, file), text)));
  } finally {
    await rm(emitted, { recursive: true });
  }
}

function declarationOf(module) {
  return module.replace(/\.ts$/, '.d.ts');
}

async function write(file, text) {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

/** Types are checked by `npm run check`; here they are only written down. */
async function emit(root, modules, directory) {
  const config = path.join(directory, 'tsconfig.json');
  const options = {
    noEmit: false,
    noCheck: true,
    emitDeclarationOnly: true,
    rootDir: path.join(root, 'src'),
    outDir: directory,
    typeRoots: [path.join(root, 'node_modules/@types')],
  };
  const files = modules.map((module) => path.join(root, module));
  await writeFile(
    config,
    JSON.stringify({
      extends: path.join(root, 'tsconfig.json'),
      compilerOptions: options,
      files,
      include: [],
    }),
  );
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  try {
    await promisify(execFile)(process.execPath, [tsc, '-p', config]);
  } catch (error) {
    throw new Error(`tsc wrote no declarations:\n${error.stdout || error.message}`, { cause: error });
  }
}
