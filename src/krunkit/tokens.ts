import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { nearest } from '../base/text.ts';

export interface OptionForm {
  readonly short?: string;
  /** What the help calls its value; absent for one that takes none. */
  readonly value?: string;
  readonly repeatable?: boolean;
}

export type OptionName =
  | 'cpus'
  | 'memory'
  | 'bootloader'
  | 'device'
  | 'restful-uri'
  | 'gui'
  | 'oem-string'
  | 'krun-log-level'
  | 'nested'
  | 'pidfile'
  | 'log-file'
  | 'firmware-path'
  | 'timesync'
  | 'krun-print-calls'
  | 'help'
  | 'version';

/** Every option of krunkit, and one of krun's own. */
export const OPTIONS: Readonly<Record<OptionName, OptionForm>> = {
  cpus: { short: 'c', value: 'N' },
  memory: { short: 'm', value: 'SIZE' },
  bootloader: { value: 'efi,variable-store=FILE,create' },
  device: { value: 'DEVICE', repeatable: true },
  'restful-uri': { value: 'URI' },
  gui: {},
  'oem-string': { value: 'TEXT', repeatable: true },
  'krun-log-level': { value: 'LEVEL' },
  nested: { short: 'n' },
  pidfile: { value: 'FILE' },
  'log-file': { value: 'FILE' },
  'firmware-path': { short: 'f', value: 'FILE' },
  timesync: { value: 'vsockPort=PORT' },
  'krun-print-calls': {},
  help: { short: 'h' },
  version: { short: 'V' },
};

/** Values by option, in their order; an option without a value has one empty text. */
export type GivenOptions = Partial<Readonly<Record<OptionName, readonly string[]>>>;

export interface Tokens {
  readonly given: GivenOptions;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Splits a command line as krunkit's parser does: `--name value`, `--name=value`, `-n`, `-c4`, `-c=4`, `-nc
 * 4`.
 */
export function tokenize(argv: readonly string[]): Tokens {
  const reader = new Reader(argv);
  reader.read();
  return reader;
}

class Reader implements Tokens {
  readonly given: Partial<Record<OptionName, string[]>> = {};
  readonly diagnostics: Diagnostic[] = [];
  readonly #argv: readonly string[];
  #at = 0;

  constructor(argv: readonly string[]) {
    this.#argv = argv;
  }

  read(): void {
    let areOptions = true;
    while (this.#at < this.#argv.length) {
      const word = this.#argv[this.#at++] ?? '';
      if (areOptions && word === '--') areOptions = false;
      else if (areOptions && word.startsWith('--')) this.#long(word);
      else if (areOptions && word.startsWith('-') && word !== '-') this.#short(word);
      else this.#reject(`unexpected argument \`${word}\``, 'krunkit takes options only');
    }
  }

  #long(word: string): void {
    const [, name = '', inline] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (!Object.hasOwn(OPTIONS, name)) {
      this.#unknown(`--${name}`, nearest(name, Object.keys(OPTIONS)));
      return;
    }
    this.#option(name as OptionName, `--${name}`, inline);
  }

  #short(word: string): void {
    for (let index = 1; index < word.length; index++) {
      const letter = word.charAt(index);
      const name = shortOption(letter);
      if (name === undefined) {
        this.#unknown(`-${letter}`, nearest(word.slice(1), Object.keys(OPTIONS)));
        return;
      }
      const rest = word.slice(index + 1);
      if (OPTIONS[name].value !== undefined) {
        this.#option(name, `-${letter}`, rest === '' ? undefined : rest.replace(/^=/, ''));
        return;
      }
      this.#option(name, `-${letter}`, undefined);
    }
  }

  #option(name: OptionName, written: string, inline: string | undefined): void {
    const form = OPTIONS[name];
    if (form.value === undefined) {
      if (inline !== undefined) this.#reject(`\`${written}\` takes no value`, `write \`${written}\` alone`);
      this.#take(name, written, '');
      return;
    }
    const value = inline ?? this.#nextValue();
    if (value === undefined || value === '')
      this.#reject(`\`${written}\` needs a value`, `write ${written} ${form.value}`);
    else this.#take(name, written, value);
  }

  /** A word that starts like an option is one. */
  #nextValue(): string | undefined {
    const next = this.#argv[this.#at];
    if (next === undefined || (next.startsWith('-') && next !== '-')) return undefined;
    this.#at += 1;
    return next;
  }

  #take(name: OptionName, written: string, value: string): void {
    const form = OPTIONS[name];
    const values = (this.given[name] ??= []);
    if (values.length > 0 && !form.repeatable)
      this.#reject(`\`${written}\` is given twice`, 'remove one of the two');
    values.push(value);
  }

  #unknown(written: string, meant: string | undefined): void {
    const hint =
      meant === undefined ? '`krun krunkit --help` lists the options' : `did you mean \`--${meant}\`?`;
    this.#reject(`unknown option \`${written}\``, hint);
    // Its value is not another mistake.
    const next = this.#argv[this.#at];
    if (next !== undefined && !next.startsWith('-') && !written.includes('=')) this.#at += 1;
  }

  #reject(message: string, hint: string): void {
    this.diagnostics.push(errorDiagnostic('usage', message, { hint }));
  }
}

function shortOption(letter: string): OptionName | undefined {
  const names = Object.keys(OPTIONS) as OptionName[];
  return names.find((name) => OPTIONS[name].short === letter);
}
