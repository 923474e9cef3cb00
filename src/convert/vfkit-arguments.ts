import { parseArgs } from 'node:util';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';

/** A device or boot loader of vfkit: its kind, and what follows. A word without value has an empty one. */
export interface VfkitWords {
  /** As it was written. */
  readonly text: string;
  readonly kind: string;
  readonly values: ReadonlyMap<string, string>;
}

/** vfkit's command line, taken apart. */
export interface VfkitArguments {
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly nested: boolean;
  readonly bootloader: VfkitWords | undefined;
  readonly devices: readonly VfkitWords[];
  readonly timesync: string | undefined;
  readonly restfulUri: string | undefined;
  readonly logLevel: string | undefined;
  readonly pidFile: string | undefined;
  readonly ignition: string | undefined;
  readonly cloudInit: string | undefined;
  readonly gui: boolean;
}

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;

const OPTIONS = {
  cpus: { ...TEXT, short: 'c' },
  memory: { ...TEXT, short: 'm' },
  nested: { ...FLAG, short: 'n' },
  kernel: { ...TEXT, short: 'k' },
  initrd: { ...TEXT, short: 'i' },
  'kernel-cmdline': { ...TEXT, short: 'C' },
  bootloader: { ...TEXT, short: 'b' },
  device: { ...TEXT, short: 'd', multiple: true },
  timesync: { ...TEXT, short: 't' },
  'restful-uri': TEXT,
  'log-level': TEXT,
  pidfile: TEXT,
  ignition: TEXT,
  'cloud-init': TEXT,
  gui: FLAG,
} as const;

/** Reads the arguments behind `vfkit`, or says everything that is wrong with them. */
export function parseVfkit(argv: readonly string[]): Result<VfkitArguments, readonly Diagnostic[]> {
  const split = splitOptions(argv);
  if (!split.ok) return split;
  const { values } = split.value;
  const mistakes: Diagnostic[] = [];
  const cpus = count('--cpus', values.cpus ?? '1', mistakes);
  const memoryMiB = count('--memory', values.memory ?? '512', mistakes);
  const kernel = values.kernel;
  if (kernel !== undefined && values.bootloader !== undefined) {
    mistakes.push(usage('--kernel and --bootloader exclude each other', 'keep one of them'));
  }
  if (kernel === undefined && values.bootloader === undefined) {
    mistakes.push(
      usage('there is no boot loader', 'write --bootloader efi, or --bootloader linux,kernel=FILE'),
    );
  }
  if (mistakes.length > 0) return err(mistakes);
  const old = { kernel, initrd: values.initrd, cmdline: values['kernel-cmdline'] };
  return ok({
    cpus,
    memoryMiB,
    nested: values.nested ?? false,
    bootloader: values.bootloader === undefined ? oldBootloader(old) : wordsOf(values.bootloader),
    devices: (values.device ?? []).map(wordsOf),
    timesync: values.timesync,
    restfulUri: values['restful-uri'],
    logLevel: values['log-level'],
    pidFile: values.pidfile,
    ignition: values.ignition,
    cloudInit: values['cloud-init'],
    gui: values.gui ?? false,
  });
}

function splitOptions(
  argv: readonly string[],
): Result<ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>, readonly Diagnostic[]> {
  try {
    return ok(parseArgs({ args: [...argv], options: OPTIONS, strict: true }));
  } catch (error) {
    if (!(error instanceof TypeError) || !('code' in error)) throw error;
    const [message = ''] = error.message.split('. ');
    return err([
      usage(
        message,
        `vfkit's options are ${Object.keys(OPTIONS)
          .map((name) => `--${name}`)
          .join(', ')}`,
      ),
    ]);
  }
}

function oldBootloader(options: Readonly<Record<string, string | undefined>>): VfkitWords {
  const given = Object.entries(options).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, unquoted(value)] as const],
  );
  return { text: '--kernel', kind: 'linux', values: new Map(given) };
}

function count(option: string, text: string, mistakes: Diagnostic[]): number {
  const number = Number(text);
  if (/^\d{1,9}$/.test(text) && number > 0) return number;
  mistakes.push(usage(`${option} must be a number from 1, not \`${text}\``, `write ${option} 2`));
  return 1;
}

/** `kind,key=value,word`; a comma between double quotes is none. */
function wordsOf(text: string): VfkitWords {
  const pieces = text.trim().match(/(?:"[^"]*"|[^,"])+/g) ?? [];
  const [kind = '', ...rest] = pieces.map((piece) => unquoted(piece));
  const values = rest.map((piece) => {
    const at = piece.indexOf('=');
    return at < 0 ? ([piece, ''] as const) : ([piece.slice(0, at), unquoted(piece.slice(at + 1))] as const);
  });
  return { text, kind, values: new Map(values) };
}

function unquoted(text: string): string {
  return /^".*"$/s.test(text) ? text.slice(1, -1) : text;
}

function usage(message: string, hint: string): Diagnostic {
  return errorDiagnostic('usage', message, { hint });
}
