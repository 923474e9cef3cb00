import {
  type Diagnostic,
  type DiagnosticCode,
  errorDiagnostic,
  type Span,
  warningDiagnostic,
} from '../base/diagnostic.ts';
import { keySpan, treeAt, valueSpan } from '../source/locate.ts';
import type { MapTree, TreePath } from '../source/tree.ts';

type More = Omit<Diagnostic, 'code' | 'severity' | 'message'>;

/** What resolving finds out beside the project: what is wrong, and where values are written. */
export interface Findings {
  readonly diagnostics: Diagnostic[];
  /** Dotted path of the author's keys, or of the name that a list item stands for, to its place. */
  readonly origins: Map<string, Span>;
}

/** One value of the file with its position: field functions report mistakes here and know nothing else of the file. */
export class Place {
  readonly #root: MapTree;
  readonly #findings: Findings;
  readonly path: TreePath;

  constructor(root: MapTree, findings: Findings, path: TreePath = []) {
    this.#root = root;
    this.#findings = findings;
    this.path = path;
  }

  child(...steps: (string | number)[]): Place {
    return new Place(this.#root, this.#findings, [...this.path, ...steps]);
  }

  /** The whole file. */
  get root(): Place {
    return new Place(this.#root, this.#findings);
  }

  get parent(): Place {
    return new Place(this.#root, this.#findings, this.path.slice(0, -1));
  }

  /** The last key of the path: what the value is called. */
  get name(): string {
    return String(this.path.at(-1) ?? '');
  }

  /** Whether the file has it, rather than a default. */
  get isWritten(): boolean {
    return treeAt(this.#root, this.path) !== undefined;
  }

  get valueSpan(): Span {
    return valueSpan(this.#root, this.path);
  }

  /** Where the key is written; that of the nearest parent for a value that is implied. */
  get keySpan(): Span {
    let path = this.path;
    while (path.length > 1 && !treeAt(this.#root, path)) path = path.slice(0, -1);
    return keySpan(this.#root, path);
  }

  /** Where the thing of that name is written that {@link isOriginOf} told of; the value itself otherwise. */
  originOf(name: string): Span {
    return this.#findings.origins.get([...this.path, name].join('.')) ?? this.valueSpan;
  }

  /** Reports a mistake in the value. */
  error(code: DiagnosticCode, message: string, more: More = {}): void {
    this.#findings.diagnostics.push(errorDiagnostic(code, message, { span: this.valueSpan, ...more }));
  }

  /** Reports a mistake that is about the key, such as what is missing below it. */
  keyError(code: DiagnosticCode, message: string, more: More = {}): void {
    this.error(code, message, { span: this.keySpan, ...more });
  }

  warning(code: DiagnosticCode, message: string, more: More = {}): void {
    this.#findings.diagnostics.push(warningDiagnostic(code, message, { span: this.valueSpan, ...more }));
  }

  /** Remembers that this value is the thing of that name below the given path. */
  isOriginOf(parent: TreePath, name: string): void {
    this.#findings.origins.set([...parent, name].join('.'), this.keySpan);
  }
}
