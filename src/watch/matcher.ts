import ignore, { type Ignore } from 'ignore';
import type { WatchRule } from '../project/project.ts';
import { isWithin } from './changes.ts';
import { Gitignore } from './gitignore.ts';

/** Never of interest unless a rule names them. */
const FOREIGN = ['.git', '.krun', 'node_modules'];

/** What editors and the Finder leave beside the files. */
const TEMPORARY = ['*~', '*.sw[opx]', '4913', '.#*', '\\#*#', '*___jb_tmp___', '*___jb_old___', '.DS_Store'];

/** Which files a rule is about. */
export class Matcher {
  readonly gitignore: Gitignore | undefined;
  readonly #path: string;
  readonly #ignored: Ignore;
  readonly #included: Ignore | undefined;

  constructor(rule: Pick<WatchRule, 'path' | 'ignore' | 'include' | 'gitignore'>) {
    this.#path = rule.path;
    this.#ignored = patterns([...usuallyIgnored(rule.include), ...rule.ignore]);
    this.#included = rule.include.length === 0 ? undefined : patterns(rule.include);
    this.gitignore = rule.gitignore ? new Gitignore() : undefined;
  }

  /** Whether neither the path counts nor anything below it. A directory may hold what counts, so it does, too. */
  ignores(path: string, isDirectory: boolean): boolean {
    if (path === this.#path) return false;
    if (!isWithin(path, this.#path)) return true;
    const relative = path.slice(this.#path === '/' ? 1 : this.#path.length + 1);
    if (this.#ignored.ignores(isDirectory ? `${relative}/` : relative)) return true;
    if (this.gitignore?.ignores(path, isDirectory)) return true;
    return !isDirectory && this.#included !== undefined && !this.#included.ignores(relative);
  }
}

/** Directory names that a walk over a guest's tree passes over as well. */
export function foreignNames({ include }: Pick<WatchRule, 'include'>): readonly string[] {
  return FOREIGN.filter((name) => !include.some((pattern) => pattern.split('/').includes(name)));
}

function usuallyIgnored(include: readonly string[]): readonly string[] {
  return [...foreignNames({ include }), ...TEMPORARY];
}

function patterns(list: readonly string[]): Ignore {
  return ignore({ ignorecase: false }).add([...list]);
}
