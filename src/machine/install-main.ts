import { libraryCacheDirectory } from '../store/layout.ts';
import { nodeLibraryFiles } from '../host/library-files.ts';
import { findLibraries } from '../libkrun/library.ts';
import { installRuntime } from './runtime-install.ts';
import type { LibraryName } from '../libkrun/packages.ts';

/** `node dist/install.js`: brings what discovery does not find; part of setting up a clone. */
async function main(): Promise<number> {
  const platform = { os: process.platform, arch: process.arch };
  const found = findLibraries({}, process.env, platform, nodeLibraryFiles());
  const missing: LibraryName[] = [];
  if (!found.ok) missing.push('libkrun', 'libkrunfw');
  else if (found.value.libkrunfw === undefined) missing.push('libkrunfw');
  if (missing.length === 0) return 0;

  const installed = await installRuntime({
    directory: libraryCacheDirectory(process.env),
    platform,
    libraries: missing,
    onProgress: (line) => process.stderr.write(`krun: ${line}\n`),
  });
  if (installed.ok) return 0;
  for (const diagnostic of installed.error) {
    process.stderr.write(`krun: ${diagnostic.message}\n`);
    if (diagnostic.hint !== undefined) process.stderr.write(`  hint: ${diagnostic.hint}\n`);
  }
  return 1;
}

process.exitCode = await main();
