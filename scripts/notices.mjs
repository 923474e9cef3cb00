// The licences of everything that a bundle contains, as its authors ask for.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Text of THIRD-PARTY-NOTICES for the input files of esbuild metafiles. */
export function notices(root, metafiles) {
  const directories = new Set();
  for (const file of metafiles.flatMap(({ inputs }) => Object.keys(inputs))) {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file);
    if (match) directories.add(match[1]);
  }
  const packages = [...directories].map((directory) => notice(path.join(root, directory)));
  return `krun contains these packages.\n${packages.toSorted().join('')}`;
}

function notice(directory) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8'));
  const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry));
  const text =
    file === undefined ? `Licence: ${license}\n` : readFileSync(path.join(directory, file), 'utf8');
  return `\n${'='.repeat(80)}\n${name} ${version} (${license})\n\n${text.trim()}\n`;
}
