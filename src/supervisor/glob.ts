import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { unlessMissing } from '../host/errno.ts';

/** Directories that no build reads on purpose and that are too big to hash. */
const SKIPPED = new Set(['.git', '.krun', 'node_modules']);

/**
 * Files that an absolute path or pattern stands for: the file itself, every file below a directory, or what matches
 * `*`, `?`, `[...]` within a name and `**` across names. Sorted; `without` and what is below it is left out.
 */
export async function inputFiles(input: string, without: readonly string[]): Promise<readonly string[]> {
  const [fixed, pattern] = splitPattern(input);
  const found: string[] = [];
  await walk(fixed, new Set(without), found);
  if (pattern === '') return found;
  const matcher = new RegExp(`^${patternSource(pattern)}(/|$)`);
  return found.filter((file) => matcher.test(path.relative(fixed, file)));
}

async function walk(place: string, without: ReadonlySet<string>, found: string[]): Promise<void> {
  if (without.has(place)) return;
  const kind = await unlessMissing(stat(place));
  if (kind?.isFile()) found.push(place);
  if (!kind?.isDirectory()) return;
  const entries = await readdir(place, { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const child = path.join(place, entry.name);
    // Links to directories can lead in circles; what they lead to can be named as an input.
    const leadsAway = entry.isSymbolicLink() && (await unlessMissing(stat(child)))?.isDirectory();
    if (leadsAway || (entry.isDirectory() && SKIPPED.has(entry.name))) continue;
    await walk(child, without, found);
  }
}

/** The directory that the search starts from, and the pattern below it. */
function splitPattern(input: string): readonly [fixed: string, pattern: string] {
  const names = input.split('/');
  const first = names.findIndex((name) => /[*?[]/.test(name));
  if (first === -1) return [input, ''];
  return [names.slice(0, first).join('/') || '/', names.slice(first).join('/')];
}

function patternSource(pattern: string): string {
  const tokens = pattern.match(/\*\*\/|\*\*|\*|\?|\[[^\]]+\]|[^*?[]+|\[/g) ?? [];
  return tokens
    .map((token) => {
      if (token === '**/') return '(?:[^/]+/)*';
      if (token === '**') return '.*';
      if (token === '*') return '[^/]*';
      if (token === '?') return '[^/]';
      if (/^\[.+\]$/.test(token)) return token.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
      return token.replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
    })
    .join('');
}
