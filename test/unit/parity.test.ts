import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const document = readFileSync(path.join(root, 'docs/parity.md'), 'utf8');

interface Row {
  readonly section: string;
  readonly capability: string;
  readonly proofs: readonly string[];
  readonly missing: string | undefined;
}

/** Rows of the tables: capability, how krun has it, and the tests or what is missing. */
function rows(): readonly Row[] {
  let section = '';
  return document.split('\n').flatMap((line) => {
    section = /^## (.+)$/.exec(line)?.[1] ?? section;
    const cells = line.split('|').map((cell) => cell.trim());
    if (!line.startsWith('| ') || cells.length !== 5 || cells[1] === 'capability') return [];
    const [, capability = '', , proof = ''] = cells;
    const missing = /^not run: (.+?)(?:;|$)/.exec(proof)?.[1];
    const proofs = [...proof.matchAll(/`((?:unit|rig|e2e)\/[^`]+)`/g)].map(([, name = '']) => name);
    return [{ section, capability, proofs, missing }];
  });
}

/** Code of the tests without comments, by the path of its file. */
const code = new Map<string, string>();
for (const kind of ['unit', 'rig', 'e2e']) {
  const directory = path.join(root, 'test', kind);
  for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.test.ts')) continue;
    code.set(`${kind}/${file.replace(/\.test\.ts$/, '')}`, withoutComments(path.join(directory, file)));
  }
}

function withoutComments(file: string): string {
  const options = { loader: 'ts', minifyWhitespace: true, charset: 'utf8', legalComments: 'none' } as const;
  return transformSync(readFileSync(file, 'utf8'), options).code;
}

/** `e2e/krunkit: boots a disk` names a file, and some of a title in it. */
function isTest(proof: string): boolean {
  const [file = '', ...title] = proof.split(': ');
  return title.length > 0 && (code.get(file)?.includes(title.join(': ')) ?? false);
}

describe('docs/parity.md', () => {
  it('has the capabilities of all four documents', () => {
    expect([...new Set(rows().map(({ section }) => section))]).toHaveLength(4);
    expect(rows().length).toBeGreaterThan(60);
  });

  it.each(rows().map((row) => [`${row.section}: ${row.capability}`, row] as const))(
    '%s is proved, or says what is missing',
    (_, { proofs, missing }) => {
      expect(proofs.filter((proof) => !isTest(proof))).toEqual([]);
      expect(proofs.length > 0 || missing !== undefined).toBe(true);
    },
  );
});
