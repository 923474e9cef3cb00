// Bundles the programs: the command line, the supervisor, the machine and network processes and the installer of libkrun;
// and the modules that other programs import, with their types.
//
//   node scripts/build.mjs [DIRECTORY]     default: dist
//
// Bundling keeps `krun ps` near bare node's start-up time; koffi stays outside because it is a native addon. What the
// quick commands need is one file, since each further file costs about half a millisecond; everything that the command
// line imports on demand is a part of its own, and the parts share chunks.
import { build } from 'esbuild';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeDeclarations } from './declarations.mjs';
import { notices } from './notices.mjs';

const root = path.resolve(import.meta.dirname, '..');
const outdir = path.resolve(process.argv[2] ?? path.join(root, 'dist'));
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

/** Modules that are imported on demand and yet belong into the first file. */
const QUICK = ['ps', 'ls', 'exec', 'logs', 'port', 'network-ls', 'version'].map((name) =>
  path.join(root, 'src/cli/commands', `${name}.ts`),
);

/** What package.json exports, by the name of the bundle. */
const library = { libkrun: 'src/libkrun/index.ts', builder: 'src/builder/index.ts' };
const declarations = writeDeclarations(root, Object.values(library), path.join(outdir, 'types'));
// Told by the `await` below, which may come after a failure of the bundles.
declarations.catch(() => undefined);

const shared = {
  absWorkingDir: root,
  outdir,
  metafile: true,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  external: ['koffi'],
  sourcemap: 'linked',
  legalComments: 'linked',
  logLevel: 'warning',
  define: { __KRUN_VERSION__: JSON.stringify(version) },
};

// CommonJS starts sooner: Node makes no module facade for each built-in, and loads those of a command only for it.
const quick = {
  ...shared,
  entryPoints: { cli: 'src/cli/main.ts' },
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  define: { ...shared.define, 'import.meta.dirname': '__dirname', 'import.meta.url': '__krunUrl' },
  banner: { js: "const __krunUrl = require('node:url').pathToFileURL(__filename).href;" },
};

/** Name of a part to the module that it is made from. */
const parts = {};
const onDemand = {
  name: 'parts on demand',
  setup(builder) {
    builder.onResolve({ filter: /^\./ }, ({ kind, path: target, resolveDir }) => {
      const file = path.resolve(resolveDir, target);
      if (kind !== 'dynamic-import' || QUICK.includes(file)) return undefined;
      const name = path.basename(file, '.ts');
      parts[name] = file;
      return { path: `./${name}.js`, external: true };
    });
  },
};

const cli = await build({ ...quick, plugins: [onDemand] });
const modules = {
  ...shared,
  format: 'esm',
  splitting: true,
  // CommonJS dependencies inside an ES module bundle still call require().
  banner: {
    js: "import { createRequire as __krunRequire } from 'node:module'; const require = __krunRequire(import.meta.url);",
  },
};
const rest = await build({
  ...modules,
  entryPoints: {
    ...parts,
    supervisor: 'src/supervisor/main.ts',
    machine: 'src/machine/main.ts',
    network: 'src/network/main.ts',
    install: 'src/machine/install-main.ts',
  },
});
// Apart from the programs, whose parts would be more and smaller, and slower to load. They share theirs, so that an error
// of one is an error of the other.
const exported = await build({ ...modules, entryPoints: library });

const noticesFile = path.join(outdir, 'THIRD-PARTY-NOTICES');
writeFileSync(noticesFile, notices(root, [cli.metafile, rest.metafile, exported.metafile]));

// Old files go only now: a build that fails leaves the last good one, and a running supervisor keeps what it has open.
const outputs = [cli, rest, exported].flatMap(({ metafile }) => Object.keys(metafile.outputs));
const written = new Set([
  noticesFile,
  ...outputs.map((file) => path.resolve(root, file)),
  ...(await declarations),
]);
for (const entry of readdirSync(outdir, { recursive: true, withFileTypes: true })) {
  const file = path.join(entry.parentPath, entry.name);
  if (!entry.isDirectory() && !written.has(file)) rmSync(file, { force: true });
}
