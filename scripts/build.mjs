// Bundles the two programs: the command line (which is also the supervisor) and the machine process.
//
//   node scripts/build.mjs [DIRECTORY]     default: dist
//
// Bundling keeps `krun ps` near bare node's start-up time; koffi stays outside because it is a native addon.
import { build } from 'esbuild';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const outdir = path.resolve(process.argv[2] ?? path.join(root, 'dist'));
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: {
    cli: 'src/cli/main.ts',
    supervisor: 'src/supervisor/main.ts',
    machine: 'src/machine/main.ts',
    install: 'src/machine/install-main.ts',
  },
  outdir,
  metafile: true,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: ['koffi'],
  sourcemap: 'linked',
  legalComments: 'linked',
  logLevel: 'warning',
  define: { __KRUN_VERSION__: JSON.stringify(version) },
  // CommonJS dependencies inside an ES module bundle still call require().
  banner: {
    js: "import { createRequire as __krunRequire } from 'node:module'; const require = __krunRequire(import.meta.url);",
  },
});

// Old chunks go only now: a build that fails leaves the last good one, and a running supervisor keeps what it has open.
const written = new Set(Object.keys(metafile.outputs).map((file) => path.resolve(root, file)));
for (const name of readdirSync(outdir)) {
  const file = path.join(outdir, name);
  if (!written.has(file)) rmSync(file, { force: true });
}
