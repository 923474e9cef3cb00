// `npm test`: everything that has to hold before a change is done.
//
//   1. the checks of `npm run check`
//   2. unit and rig tests on this Node
//   3. the same on the newest Node
//   4. e2e tests: real microVMs, in the emulated host where this machine's KVM cannot boot one
//
// Ends with `N passed, N failed, N skipped`. What cannot run here is named; KRUN_E2E=required makes a missing or
// skipped e2e test a failure.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
function statusOf(program, args, env = {}) {
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (error) console.error(`${program}: ${error.message}`);
  return status;
}

/** Runs a program with this terminal; true when it succeeded. */
function run(program, args, env) {
  return statusOf(program, args, env) === 0;
}

function title(text) {
  console.log(`\n== ${text}`);
}

/** Counts one step that is not a vitest run. */
function count(succeeded) {
  total[succeeded ? 'passed' : 'failed'] += 1;
}

/** Runs vitest projects through `launch` and adds up their results. */
function vitest(name, projects, launch, env) {
  const output = path.join(results, `${name}.json`);
  const succeeded = launch(
    [
      path.join(root, 'node_modules', 'vitest', 'vitest.mjs'),
      'run',
      ...projects.flatMap((project) => ['--project', project]),
      // The e2e tests are few and slow: each is told as it ends.
      `--reporter=${name === 'e2e' ? 'verbose' : 'default'}`,
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
  if (name === 'e2e' && e2eIsRequired && (skipped > 0 || report.numTotalTests === 0)) {
    console.error('e2e: a skipped test counts as failed (KRUN_E2E=required)');
    total.failed += Math.max(1, skipped);
  }
}

function checks() {
  title('checks');
  const check = ['oxfmt --check', 'oxlint', 'tsc -p .'].map((line) => line.split(' '));
  count(run(process.execPath, ['scripts/generate.mjs', '--check']));
  for (const [tool, ...args] of check) count(run(path.join(root, 'node_modules', '.bin', tool), args));
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
  vitest('newest', ['unit', 'rig'], (args, extra) => run(path.join(bin, 'node'), args, extra), env);
}

function endToEnd() {
  title('e2e');
  const missing = missingPackages();
  if (missing.length > 0) {
    console.error(`e2e tests not run: missing ${missing.join(' ')} (apt-get install ${missing.join(' ')})`);
    if (e2eIsRequired) total.failed += 1;
    else total.skipped += 1;
    return;
  }
  const lab = path.join(root, 'test', 'lab', 'lab');
  vitest('e2e', ['e2e'], (args) => {
    const words = ['--auto', '--timeout', '1200', '--out', results, '--', process.execPath, ...args];
    let status = statusOf(lab, words);
    if (status === LAB_FAILED) {
      // Software emulation of nested virtualization now and then resets the machine.
      console.error('e2e: the emulated host failed before there was a result; once more');
      status = statusOf(lab, words);
    }
    return status === 0;
  });
}

try {
  installPackages();
  title('build');
  count(run(process.execPath, ['scripts/build.mjs']));
  checks();
  title(`unit and rig on Node ${process.versions.node}`);
  vitest('current', ['unit', 'rig'], (args) => run(process.execPath, args));
  await onNewestNode();
  endToEnd();
} finally {
  rmSync(results, { recursive: true });
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
