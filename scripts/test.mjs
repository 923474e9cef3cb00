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
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { NEWEST_NODE, newestNode } from './newest-node.mjs';
import { installPackages, missingPackages } from './packages.mjs';

const root = path.resolve(import.meta.dirname, '..');
const results = mkdtempSync(path.join(os.tmpdir(), 'krun-results-'));
const e2eIsRequired = process.env.KRUN_E2E === 'required';
const total = { passed: 0, failed: 0, skipped: 0 };

/** What failed or was skipped, said once more at the end: the output of a whole run is too long to search. */
const remarks = [];

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
function count(name, succeeded) {
  if (succeeded) total.passed += 1;
  else fail(name);
}

function fail(what, number = 1) {
  total.failed += number;
  remarks.push(`failed: ${what}`);
}

function skip(what, number = 1) {
  total.skipped += number;
  remarks.push(`skipped: ${what}`);
}

/** The first lines of an error, without the frames of other people's code. */
function inShort(error) {
  const lines = error.split('\n').filter((line) => !/^\s+at .*node_modules|^\s+at .*<anonymous>/.test(line));
  return lines.slice(0, 20).join('\n    ');
}

/** Each test of a vitest report with this status, by file and name, and why it failed. */
function named(report, status) {
  return report.testResults.flatMap((file) =>
    file.assertionResults
      .filter((test) => test.status === status)
      .map((test) => {
        const why = test.failureMessages.map((message) => `\n    ${inShort(message)}`).join('');
        return `${path.relative(root, file.name)} > ${test.fullName}${why}`;
      }),
  );
}

/** Runs vitest on `choice` through `launch` and adds up its results. */
async function vitest(name, choice, launch, env) {
  const output = path.join(results, `${name}.json`);
  const errors = `${output}.errors`;
  const isEndToEnd = name.startsWith('e2e');
  const succeeded = await launch(
    [
      path.join(root, 'node_modules', 'vitest', 'vitest.mjs'),
      'run',
      ...choice,
      // The e2e tests are few and slow: each is told as it ends.
      `--reporter=${isEndToEnd ? 'verbose' : 'default'}`,
      '--reporter=json',
      `--reporter=${path.join(root, 'scripts', 'errors-reporter.mjs')}`,
      `--outputFile.json=${output}`,
    ],
    env,
  );
  if (!existsSync(output)) return fail(`${name}: vitest gave no results`);
  const report = JSON.parse(readFileSync(output, 'utf8'));
  const unrun = [...named(report, 'pending'), ...named(report, 'skipped'), ...named(report, 'todo')];
  const mayBeSkipped = !isEndToEnd || !e2eIsRequired;
  total.passed += report.numPassedTests;
  for (const test of named(report, 'failed')) fail(`${name}: ${test}`);
  for (const test of unrun) (mayBeSkipped ? skip : fail)(`${name}: ${test}`);
  // A file that cannot be loaded has no failed test, and a crash of the emulated host none at all.
  const outside = existsSync(errors) ? JSON.parse(readFileSync(errors, 'utf8')) : [];
  for (const error of outside) fail(`${name}: outside of a test: ${inShort(error)}`);
  if (!succeeded && report.numFailedTests === 0 && outside.length === 0) fail(`${name}: ended badly`);
  if (report.numTotalTests === 0) fail(`${name}: no tests`);
}

const projects = (...names) => names.flatMap((project) => ['--project', project]);

async function checks() {
  title('checks');
  count('generated files', await run(process.execPath, ['scripts/generate.mjs', '--check']));
  for (const line of ['oxfmt --check', 'oxlint', 'tsc -p .']) {
    const [tool, ...args] = line.split(' ');
    count(line, await run(path.join(root, 'node_modules', '.bin', tool), args));
  }
}

async function onNewestNode() {
  title(`unit and rig on Node ${NEWEST_NODE}`);
  let bin;
  try {
    bin = await newestNode();
  } catch (error) {
    const why = `Node ${NEWEST_NODE} could not be fetched: ${error.stderr || error.message}`;
    return (e2eIsRequired ? fail : skip)(why);
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
    const why = `e2e tests not run: missing ${missing.join(' ')} (apt-get install ${missing.join(' ')})`;
    return (e2eIsRequired ? fail : skip)(why);
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

/** Test files in so many groups of about as many tests: each takes about as long, most of it for booting guests. */
function shareOut(directory, count) {
  const groups = Array.from({ length: count }, () => ({ tests: 0, files: [] }));
  const files = readdirSync(directory)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => path.join(directory, name))
    .map((file) => ({ file, tests: readFileSync(file, 'utf8').match(/^\s*test\b/gm)?.length ?? 0 }));
  for (const { file, tests } of files.toSorted((a, b) => b.tests - a.tests)) {
    const lightest = groups.reduce((a, b) => (b.tests < a.tests ? b : a));
    lightest.tests += tests;
    lightest.files.push(file);
  }
  return groups.map(({ files }) => files).filter((files) => files.length > 0);
}

try {
  installPackages();
  title('build');
  count('build', await run(process.execPath, ['scripts/build.mjs']));
  await checks();
  title(`unit and rig on Node ${process.versions.node}`);
  await vitest('current', projects('unit', 'rig'), (args) => run(process.execPath, args));
  await onNewestNode();
  await endToEnd();
} finally {
  rmSync(results, { recursive: true });
}
for (const remark of remarks) console.log(`\n${remark}`);
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
