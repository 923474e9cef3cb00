// `npm run bench`: prints the benchmarks as Markdown. Everything that is compared is measured in turns within one run,
// so the ratios mean something on any machine; the times mean something on that machine only.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const root = path.resolve(import.meta.dirname, '..');
const built = spawnSync(process.execPath, [path.join(root, 'scripts', 'build.mjs')], { stdio: 'inherit' });
if (built.status !== 0) process.exit(1);

/** Bundles a benchmark written in TypeScript, which Node 20 does not read, and hands the file to `use`. */
async function bundled(name, use) {
  const cache = path.join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(path.join(cache, 'krun-bench-'));
  const outfile = path.join(directory, `${name}.mjs`);
  await build({
    absWorkingDir: root,
    entryPoints: [`bench/${name}.ts`],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    plugins: [keepDirectories],
    logLevel: 'warning',
  });
  try {
    return await use(pathToFileURL(outfile).href, directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const load = (name) => bundled(name, (url) => import(url));

/** Runs a benchmark where KVM can boot a guest: here, or in the emulated host. */
function whereGuestsBoot(name) {
  return bundled(name, (url, directory) => {
    const result = path.join(directory, 'result.json');
    const script = `import(${JSON.stringify(url)}).then(async ({ run }) =>
      require('node:fs').writeFileSync(${JSON.stringify(result)}, JSON.stringify(await run())))`;
    const lab = path.join(root, 'test', 'lab', 'lab');
    const words = ['--auto', '--out', directory, '--', process.execPath, '-e', script];
    const { status } = spawnSync(lab, words, { stdio: ['ignore', 2, 2] });
    if (status !== 0) throw new Error(`${name}: test/lab/lab ended with ${status}`);
    return JSON.parse(readFileSync(result, 'utf8'));
  });
}

/** A bundle lies elsewhere than its sources, which look for files beside themselves. */
const keepDirectories = {
  name: 'keep-directories',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
      const { readFile } = await import('node:fs/promises');
      const text = await readFile(file, 'utf8');
      const directory = JSON.stringify(path.dirname(file));
      return { contents: text.replaceAll('import.meta.dirname', directory), loader: 'ts' };
    });
  },
};

const log = console.log;
/** The benchmarks tell their rows as they go; here they become one table. */
async function quietly(work) {
  console.log = (...words) => console.error(...words);
  try {
    return await work();
  } finally {
    console.log = log;
  }
}

const startup = await quietly(async () => (await load('startup')).run());
const up = await quietly(async () => (await load('up')).run());
const exec = await quietly(async () => (await load('exec')).run());
const copy = await quietly(async () => (await load('copy')).run());
const watch = await quietly(async () => (await load('watch')).run());
const plan = await quietly(async () => (await load('plan')).run());
const network = await whereGuestsBoot('network');
const frames = await quietly(async () => (await load('switch')).run());

const ratio = (value, base) => `${(value / base).toFixed(2)} x`;
const { startMs, memory } = up;
log(
  `Node ${process.versions.node}, ${os.availableParallelism()} processors (${os.cpus()[0]?.model.trim()})\n`,
);
log('| command | fastest | against bare node |\n|---|---|---|');
for (const { name, ms, ratio: times } of startup)
  log(`| ${name} | ${ms.toFixed(0)} ms | ${times.toFixed(2)} x |`);
log('\n| to krun_start_enter | fastest | median | median against a bare koffi script |\n|---|---|---|---|');
for (const [name, times] of [
  ['bare koffi script', startMs.bare],
  ['`krun up`, which starts the supervisor', startMs.first],
  ['`krun up` again, the supervisor runs', startMs.again],
])
  log(`| ${name} | ${times.min} ms | ${times.median} ms | ${ratio(times.median, startMs.bare.median)} |`);
log(
  '\n| a command in a guest that costs nothing | fastest | median | against bare node |\n|---|---|---|---|',
);
for (const { name, ms, ratio: times } of exec)
  log(`| ${name} | ${ms.min.toFixed(0)} ms | ${ms.median.toFixed(0)} ms | ${times.toFixed(2)} x |`);
log('\n| process, without the guest | resident | private | private against bare node |\n|---|---|---|---|');
for (const [name, { residentMiB, privateMiB }] of [
  ['bare node', memory.bareNode],
  ['node with koffi and the library', memory.bareKoffi],
  ['supervisor', memory.supervisor],
  ['machine process', memory.machine],
])
  log(
    `| ${name} | ${residentMiB} MiB | ${privateMiB} MiB | ${ratio(privateMiB, memory.bareNode.privateMiB)} |`,
  );
log(
  '\n| 2,000 files of 2 KiB, and one of 256 MiB | files/s | MiB/s | time against `tar \\| tar` |\n|---|---|---|---|',
);
for (const { name, filesPerSecond, mebibytesPerSecond, filesRatio, bytesRatio } of copy)
  log(
    `| ${name.replace('|', '\\|')} | ${filesPerSecond} | ${mebibytesPerSecond} | ${filesRatio} x, ${bytesRatio} x |`,
  );
log(
  '\n| from an edit to the guest | p50 | p95 | against 500 ms of quiet of `docker compose watch` |\n|---|---|---|---|',
);
for (const { name, p50Ms, p95Ms, ratio: times } of watch.latency)
  log(`| ${name} | ${p50Ms} ms | ${p95Ms} ms | ${times} x |`);
log('\n| first sync of 2,000 files | median | files/s | MiB/s |\n|---|---|---|---|');
for (const { name, ms, filesPerSecond, mebibytesPerSecond } of watch.sync)
  log(`| ${name.replace('|', '\\|')} | ${ms} ms | ${filesPerSecond} | ${mebibytesPerSecond} |`);
log('\n| 1,000 machines | fastest | per machine | growth against 100 machines |\n|---|---|---|---|');
for (const { name, ms, microsecondsPerMachine, growth } of plan) {
  log(
    `| ${name.replace(/, 1000 machines$/, '')} | ${ms.toFixed(1)} ms | ${microsecondsPerMachine} µs | ${growth} x |`,
  );
}
log('\n| frames of MTU 1500, one way | median | against no switch |\n|---|---|---|');
for (const { name, gigabitsPerSecond, ratio: times } of frames)
  log(`| ${name} | ${gigabitsPerSecond} Gb/s | ${times.toFixed(2)} x |`);

const [first] = network;
// Emulated, every program on the way is as slow as the guest: a driver that is a program loses more than on bare metal.
const host = spawnSync(path.join(root, 'test', 'lab', 'lab'), ['--where'], {
  encoding: 'utf8',
}).stdout.trim();
log(host === 'emulated' ? '\nIn the emulated host, with one processor:' : '');
log('\n| network, offloading | host to guest | guest to host | against the first |\n|---|---|---|---|');
for (const { driver, offloading, toGuest, toHost } of network) {
  const rate = (mbits) => (mbits === undefined ? 'no result' : `${mbits.toFixed(0)} Mbit/s`);
  const times = (mbits, base) => (mbits === undefined ? '-' : ratio(mbits, base));
  const ratios = `${times(toGuest, first.toGuest)}, ${times(toHost, first.toHost)}`;
  const name = driver === 'tsi' ? driver : `${driver}, ${offloading ? 'with' : 'without'}`;
  log(`| ${name} | ${rate(toGuest)} | ${rate(toHost)} | ${ratios} |`);
}
