// Runs after `npm ci` in a clone: builds dist, and makes sure that there is a libkrun to run machines with.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const run = (...words) => spawnSync(process.execPath, words, { cwd: root, stdio: 'inherit' }).status ?? 1;

process.exitCode = run('scripts/build.mjs');
// Without the libraries everything but starting machines works, so their absence ends no installation.
if (process.exitCode === 0 && run('dist/install.js') !== 0) {
  console.error('krun: machines cannot be started yet; `npx krun doctor --fix` installs what is missing');
}
