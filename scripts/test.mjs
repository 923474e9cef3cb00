// `npm test`: everything that has to hold before a change is done.
//
//   1. the checks of `npm run check`
//   2. unit and rig tests on this Node
//   3. the same on the newest Node
//   4. e2e tests: real microVMs, in emulated hosts where this machine's KVM cannot boot one
//
// Ends with `N passed, N failed, N skipped`. What cannot run here is named; KRUN_E2E=required makes a missing or
// skipped e2e test a failure.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { NEWEST_NODE, newestNode } from './newest-node.mjs';
import { installPackages, missingPackages } from './packages.mjs';

const root = path.resolve(import.meta.dirname, '..');
const results = mkdtempSync(path.join(os.tmpdir(), 'krun-results-'));
const e2eIsRequired = process.env.KRUN_E2E === 'required';
const total = { passed: 0, failed: 0, skipped: 0 };

/** The lab's exit status for: the emulated host itself failed, which says nothing about the tests in it. */
const LAB_FAILED = 125;

/** Runs a program with this terminal; its exit status, null where it has none. */
async function statusOf(program, args, env = {}) {
  const child = spawn(program, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  try {
    const [status] = await once(child, 'close');
    return status;
  } catch (error) {
    console.error(`${program}: ${error.message}`);
    return null;
  }
}

/** Runs a program with this terminal; true when it succeeded. */
async function run(program, args, env) {
  return (await statusOf(program, args, env)) === 0;
}

function title(text) {
  console.log(`\n== ${text}`);
}

/** Counts one step that is not a vitest run. */
function count(succeeded) {
  total[succeeded ? 'passed' : 'failed'] += 1;
}

/** Runs vitest on `choice` through `launch` and adds up its results. */
async function vitest(name, choice, launch, env) {
  const output = path.join(results, `${name}.json`);
  const isEndToEnd = name.startsWith('e2e');
  const succeeded = await launch(
    [
      path.join(root, 'node_modules', 'vitest', 'vitest.mjs'),
      'run',
      ...choice,
      // The e2e tests are few and slow: each is told as it ends.
      `--reporter=${isEndToEnd ? 'verbose' : 'default'}`,
      '--reporter=json',
      `--outputFile.json=${output}`,
    ],
    env,
  );
  if (!existsSync(output)) {
    console.error(`${name}: vitest gave no results`);
    total.failed += 1;
    return;
  }
  const report = JSON.parse(readFileSync(output, 'utf8'));
  const skipped = report.numPendingTests + report.numTodoTests;
  total.passed += report.numPassedTests;
  total.failed += report.numFailedTests;
  total.skipped += skipped;
  // A file that cannot be loaded has no failed test, and a crash of the emulated host none at all.
  if (!succeeded && report.numFailedTests === 0) total.failed += 1;
  if (isEndToEnd && e2eIsRequired && (skipped > 0 || report.numTotalTests === 0)) {
    console.error(`${name}: a skipped test counts as failed (KRUN_E2E=required)`);
    total.failed += Math.max(1, skipped);
  }
}

const projects = (...names) => names.flatMap((project) => ['--project', project]);

async function checks() {
  title('checks');
  const check = ['oxfmt --check', 'oxlint', 'tsc -p .'].map((line) => line.split(' '));
  count(await run(process.execPath, ['scripts/generate.mjs', '--check']));
  for (const [tool, ...args] of check) count(await run(path.join(root, 'node_modules', '.bin', tool), args));
}

async function onNewestNode() {
  title(`unit and rig on Node ${NEWEST_NODE}`);
  let bin;
  try {
    bin = await newestNode();
  } catch (error) {
    console.error(`Node ${NEWEST_NODE} could not be fetched: ${error.stderr || error.message}`);
    if (e2eIsRequired) total.failed += 1;
    else total.skipped += 1;
    return;
  }
  // First in the PATH, because the tests start krun by its `#!/usr/bin/env node` too.
  const env = { PATH: `${bin}${path.delimiter}${process.env.PATH}` };
  await vitest(
    'newest',
    projects('unit', 'rig'),
    (args, extra) => run(path.join(bin, 'node'), args, extra),
    env,
  );
}

async function endToEnd() {
  title('e2e');
  const missing = missingPackages();
  if (missing.length > 0) {
    console.error(`e2e tests not run: missing ${missing.join(' ')} (apt-get install ${missing.join(' ')})`);
    if (e2eIsRequired) total.failed += 1;
    else total.skipped += 1;
    return;
  }
  const lab = path.join(root, 'test', 'lab', 'lab');
  const where = spawnSync(lab, ['--where'], { encoding: 'utf8' }).stdout.trim();
  // An emulated host has one processor (test/lab/README.md), so there are two of them where two are free.
  const hosts = where === 'emulated' ? Math.min(2, os.availableParallelism()) : 1;
  const shares = shareOut(path.join(root, 'test', 'e2e'), hosts);
  await Promise.all(
    shares.map((files, index) =>
      vitest(`e2e-${index + 1}`, [...projects('e2e'), ...files], async (args) => {
        const words = ['--auto', '--timeout', '1500', '--out', results, '--', process.execPath, ...args];
        const status = await statusOf(lab, words);
        if (status === LAB_FAILED) console.error(`e2e-${index + 1}: the emulated host itself failed`);
        return status === 0;
      }),
    ),
  );
}

/** Test files in so many groups of about equal length, which is what there is to tell their time by. */
function shareOut(directory, count) {
  const groups = Array.from({ length: count }, () => ({ size: 0, files: [] }));
  const files = readdirSync(directory).filter((name) => name.endsWith('.test.ts'));
  const sizeOf = (name) => statSync(path.join(directory, name)).size;
  for (const name of files.toSorted((a, b) => sizeOf(b) - sizeOf(a))) {
    const lightest = groups.reduce((a, b) => (b.size < a.size ? b : a));
    lightest.size += sizeOf(name);
    lightest.files.push(path.join(directory, name));
  }
  return groups.map(({ files }) => files).filter((files) => files.length > 0);
}

try {
  installPackages();
  title('build');
  count(await run(process.execPath, ['scripts/build.mjs']));
  await checks();
  title(`unit and rig on Node ${process.versions.node}`);
  await vitest('current', projects('unit', 'rig'), (args) => run(process.execPath, args));
  await onNewestNode();
  await endToEnd();
} finally {
  rmSync(results, { recursive: true });
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
