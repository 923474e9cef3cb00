import { isIPv4 } from 'node:net';
import { errorDiagnostic, type Diagnostic, type DiagnosticCode } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { checkTogether } from './check-together.ts';
import type { KrunkitBootloader, KrunkitDevice, KrunkitOptions, RestfulUri } from './options.ts';
import { parseDevice } from './parse-device.ts';
import { parseMemory } from './parse-memory.ts';
import { tokenize, type OptionName } from './tokens.ts';
import { wholeNumber, Words } from './words.ts';

/** What a command line of krunkit asks for. */
export type KrunkitRequest =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | {
      readonly kind: 'machine';
      readonly options: KrunkitOptions;
      /** krun's own: the calls of libkrun are printed and nothing is started. */
      readonly printCalls: boolean;
    };

/** libkrun takes a byte. */
const MOST_CPUS = 255;
const U32 = 0xffff_ffff;
/** SMBIOS has one byte for the length of a string, and one for their number. */
const MOST_OEM_BYTES = 255;
const MOST_OEM_STRINGS = 255;

/** Reads the arguments behind `krunkit`, or says everything that is wrong with them. */
export function parseKrunkit(argv: readonly string[]): Result<KrunkitRequest, readonly Diagnostic[]> {
  const { given, diagnostics } = tokenize(argv);
  if (given.help) return ok({ kind: 'help' });
  if (given.version) return ok({ kind: 'version' });
  const reader = new OptionReader((name) => given[name] ?? [], diagnostics);
  const options = readOptions(reader);
  const found = [...reader.diagnostics, ...checkTogether(options)];
  if (found.length > 0) return err(found);
  return ok({ kind: 'machine', options, printCalls: given['krun-print-calls'] !== undefined });
}

/** Takes values apart and collects mistakes; what was wrong has a harmless value then. */
class OptionReader {
  readonly diagnostics: Diagnostic[];
  readonly values: (name: OptionName) => readonly string[];
  readonly #isWhole: boolean;

  constructor(values: (name: OptionName) => readonly string[], diagnostics: readonly Diagnostic[]) {
    this.values = values;
    this.diagnostics = [...diagnostics];
    this.#isWhole = diagnostics.length === 0;
  }

  /** An option that is not there; a misspelt one may have been it. */
  miss(name: OptionName, hint: string): void {
    if (this.#isWhole) this.reject('missing-key', `\`--${name}\` is missing`, hint);
  }

  has(name: OptionName): boolean {
    return this.values(name).length > 0;
  }

  value(name: OptionName): string | undefined {
    return this.values(name)[0];
  }

  take<T>(result: Result<T, readonly Diagnostic[]>): readonly T[] {
    if (result.ok) return [result.value];
    this.diagnostics.push(...result.error);
    return [];
  }

  reject(code: DiagnosticCode, message: string, hint?: string): void {
    this.diagnostics.push(errorDiagnostic(code, message, hint === undefined ? {} : { hint }));
  }
}

function readOptions(reader: OptionReader): KrunkitOptions {
  const [pidFile, logFile, firmwarePath] = [
    reader.value('pidfile'),
    reader.value('log-file'),
    reader.value('firmware-path'),
  ];
  const [bootloader, logLevel, timesyncPort] = [
    readBootloader(reader),
    readLogLevel(reader),
    readTimesync(reader),
  ];
  return {
    cpus: readCpus(reader),
    memoryMiB: readMemory(reader),
    nested: reader.has('nested'),
    ...(bootloader && { bootloader }),
    devices: reader
      .values('device')
      .flatMap((text): readonly KrunkitDevice[] => reader.take(parseDevice(text))),
    restfulUri: readRestfulUri(reader),
    ...(pidFile !== undefined && { pidFile }),
    ...(logLevel !== undefined && { logLevel }),
    ...(logFile !== undefined && { logFile }),
    ...(firmwarePath !== undefined && { firmwarePath }),
    oemStrings: readOemStrings(reader),
    ...(timesyncPort !== undefined && { timesyncPort }),
    gui: reader.has('gui'),
  };
}

function readCpus(reader: OptionReader): number {
  const text = reader.value('cpus');
  if (text === undefined) {
    reader.miss('cpus', 'say how many CPUs the machine has: --cpus 2');
    return 1;
  }
  const cpus = wholeNumber(text, 1, MOST_CPUS);
  if (cpus === undefined)
    reader.reject('invalid-value', `\`--cpus\` must be a number from 1 to ${MOST_CPUS}, not \`${text}\``);
  return cpus ?? 1;
}

function readMemory(reader: OptionReader): number {
  const text = reader.value('memory');
  if (text === undefined) {
    reader.miss('memory', 'say how much memory the machine has: --memory 2G');
    return 1;
  }
  const [memoryMiB = 1] = reader.take(parseMemory(text));
  return memoryMiB;
}

function readBootloader(reader: OptionReader): KrunkitBootloader | undefined {
  const text = reader.value('bootloader');
  if (text === undefined) return undefined;
  const words = new Words(`--bootloader ${text}`, text, ['efi', 'variable-store', 'create']);
  if (words.diagnostics.length === 0 && !words.flag('efi'))
    words.reject('missing-key', 'krunkit has only the boot loader `efi`', 'write --bootloader efi');
  const create = words.flag('create');
  const variableStore = words.text('variable-store');
  reader.diagnostics.push(...words.diagnostics);
  return { create, ...(variableStore !== undefined && { variableStore }) };
}

function readLogLevel(reader: OptionReader): number | undefined {
  const text = reader.value('krun-log-level');
  if (text === undefined) return undefined;
  const level = wholeNumber(text, 0, U32);
  if (level === undefined)
    reader.reject(
      'invalid-value',
      `\`--krun-log-level\` cannot be \`${text}\``,
      'write 0 (off), 1 (error), 2 (warn), 3 (info), 4 (debug) or 5 (trace)',
    );
  return level === undefined ? undefined : Math.min(level, 5);
}

function readTimesync(reader: OptionReader): number | undefined {
  const text = reader.value('timesync');
  if (text === undefined) return undefined;
  const words = new Words(`--timesync ${text}`, text, ['vsockPort']);
  const value = words.diagnostics.length === 0 ? words.required('vsockPort') : undefined;
  const port = words.number('vsockPort', value, 0, U32);
  reader.diagnostics.push(...words.diagnostics);
  return port;
}

function readOemStrings(reader: OptionReader): readonly string[] {
  const strings = reader.values('oem-string');
  if (strings.length > MOST_OEM_STRINGS)
    reader.reject(
      'limit',
      `\`--oem-string\` is given ${strings.length} times; SMBIOS has room for ${MOST_OEM_STRINGS}`,
    );
  for (const text of strings) {
    const bytes = Buffer.byteLength(text);
    if (bytes <= MOST_OEM_BYTES) continue;
    reader.reject(
      'limit',
      `\`--oem-string ${text.slice(0, 20)}…\` has ${bytes} bytes; SMBIOS has room for ${MOST_OEM_BYTES}`,
    );
  }
  return strings;
}

const URI_HINT = 'write unix:///path/to/socket, tcp://localhost:8081 or none://';

function readRestfulUri(reader: OptionReader): RestfulUri {
  const none: RestfulUri = { kind: 'none' };
  const text = reader.value('restful-uri');
  if (text === undefined) return none;
  const [, scheme, value = ''] = /^(none|tcp|unix):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === undefined)
    reader.reject('invalid-value', `\`--restful-uri\` cannot be \`${text}\``, URI_HINT);
  if (scheme === 'tcp') return readAddress(reader, text, value) ?? none;
  if (scheme !== 'unix') return none;
  if (value === '') reader.reject('invalid-value', `\`--restful-uri ${text}\` names no socket`, URI_HINT);
  return { kind: 'unix', path: value };
}

function readAddress(reader: OptionReader, text: string, value: string): RestfulUri | undefined {
  const [, name = '', digits = ''] = /^([^:]*):([^:]*)$/.exec(value) ?? [];
  const host = name === 'localhost' ? '127.0.0.1' : name;
  const port = wholeNumber(digits, 0, 0xffff);
  const hint = 'write tcp://localhost:PORT or tcp://IPV4-ADDRESS:PORT';
  if (digits === '') reader.reject('invalid-value', `\`--restful-uri ${text}\` has no port`, hint);
  else if (port === undefined)
    reader.reject('invalid-value', `\`--restful-uri ${text}\`: \`${digits}\` is no port`, hint);
  else if (!isIPv4(host))
    reader.reject('invalid-value', `\`--restful-uri ${text}\`: \`${name}\` is no IPv4 address`, hint);
  else return { kind: 'tcp', host, port };
  return undefined;
}
