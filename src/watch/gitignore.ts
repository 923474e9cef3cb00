import ignore, { type Ignore } from 'ignore';
import { isWithin } from './changes.ts';

/** The .gitignore files of a tree, each for its own directory; the innermost one that says something decides. */
export class Gitignore {
  readonly #files = new Map<string, Ignore>();

  /** Takes what the file of a directory says; nothing for a file that is gone. */
  set(directory: string, text: string | undefined): void {
    if (text === undefined) this.#files.delete(directory);
    else this.#files.set(directory, ignore({ ignorecase: false }).add(text));
  }

  has(directory: string): boolean {
    return this.#files.has(directory);
  }

  /** Whether git would pass over it, or over a directory that it is in. */
  ignores(path: string, isDirectory: boolean): boolean {
    for (let end = path.indexOf('/', 1); ; end = path.indexOf('/', end + 1)) {
      const part = end === -1 ? path : path.slice(0, end);
      if (this.#ignoresItself(part, end !== -1 || isDirectory)) return true;
      if (end === -1) return false;
    }
  }

  #ignoresItself(path: string, isDirectory: boolean): boolean {
    const innermostFirst = [...this.#files]
      .filter(([directory]) => path !== directory && isWithin(path, directory))
      .toSorted(([a], [b]) => b.length - a.length);
    for (const [directory, rules] of innermostFirst) {
      const relative = path.slice(directory === '/' ? 1 : directory.length + 1);
      const { ignored, unignored } = rules.test(isDirectory ? `${relative}/` : relative);
      if (ignored || unignored) return ignored;
    }
    return false;
  }
}
