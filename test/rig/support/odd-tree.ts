import { createHash } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

const ODD = [
  "it's",
  'two\nlines',
  '-rf',
  '$(id)',
  '`id`',
  '\ttab',
  ' ',
  '*',
  '\\',
  'é€😀',
  '"',
  '~',
  'a:b',
  'x'.repeat(255),
];

/** Makes 2,000 files in 40 directories, with odd names, modes, links and an empty directory. */
export function makeTree(directory: string): void {
  for (let index = 0; index < 2000; index++) {
    const parent = path.join(directory, `d${index % 40}`, index % 3 === 0 ? 'deep' : '');
    mkdirSync(parent, { recursive: true });
    const file = path.join(parent, `${ODD[index % 200] ?? 'file'}${index}`.slice(-60));
    writeFileSync(file, Buffer.alloc(index * 7, index));
    chmodSync(file, [0o644, 0o755, 0o600, 0o444][index % 4] ?? 0o644);
  }
  mkdirSync(path.join(directory, 'odd/empty'), { recursive: true });
  chmodSync(path.join(directory, 'odd/empty'), 0o711);
  for (const name of ODD) writeFileSync(path.join(directory, 'odd', name), name);
  writeFileSync(Buffer.from(`${directory}/odd/\xff\xfe`, 'latin1'), 'bytes');
  symlinkSync('../d1', path.join(directory, 'odd/link'));
  symlinkSync('nothing\nhere', path.join(directory, 'odd/dangling'));
  linkSync(path.join(directory, "odd/it's"), path.join(directory, 'odd/hard'));
}

/** A line for everything below a directory: name, kind, mode, time, links, checksum. */
export function summary(directory: string): readonly string[] {
  const at = (name: string): Buffer => Buffer.from(`${directory}/${name}`, 'latin1');
  const list = (below: string): readonly string[] =>
    readdirSync(at(below), 'latin1')
      .toSorted()
      .flatMap((name) => {
        const file = below === '' ? name : `${below}/${name}`;
        const stat = lstatSync(at(file));
        const line = `${file} ${stat.mode.toString(8)} ${stat.nlink} ${Math.floor(stat.mtimeMs / 1000)}`;
        if (stat.isDirectory()) return [line, ...list(file)];
        const content = stat.isSymbolicLink() ? readlinkSync(at(file), 'latin1') : readFileSync(at(file));
        return [`${line} ${createHash('sha256').update(content).digest('hex')}`];
      });
  return list('');
}
