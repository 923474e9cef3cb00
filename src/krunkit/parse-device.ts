import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { nearest } from '../base/text.ts';
import type { KrunkitDevice } from './options.ts';
import { NET_WORDS, parseNet } from './parse-net.ts';
import { Words } from './words.ts';

const U32 = 0xffff_ffff;
/** virtio-fs has room for so many bytes; libkrun aborts at one more. */
const LONGEST_TAG_BYTES = 36;
/** libkrun's name of the root file system. */
const ROOT_TAG = '/dev/root';

interface DeviceForm {
  readonly words: readonly string[];
  /** Undefined where a mistake was told. */
  readonly parse: (words: Words) => KrunkitDevice | undefined;
}

const FORMS: Readonly<Record<string, DeviceForm>> = {
  'virtio-blk': { words: ['path', 'format'], parse: parseDisk },
  'virtio-net': { words: NET_WORDS, parse: parseNet },
  'virtio-vsock': { words: ['port', 'socketURL', 'listen', 'connect'], parse: parseVsock },
  'virtio-serial': { words: ['logFilePath'], parse: parseSerial },
  'virtio-fs': { words: ['sharedDir', 'mountTag', 'permissionSemantics'], parse: parseShare },
  'virtio-gpu': { words: ['width', 'height'], parse: parseGpu },
  'virtio-input': { words: ['keyboard', 'pointing'], parse: parseInput },
};

/** Names of all devices that `--device` takes. */
export const DEVICE_NAMES: readonly string[] = [...Object.keys(FORMS), 'virtio-rng'];

/** The value of one `--device`. */
export function parseDevice(text: string): Result<KrunkitDevice, readonly Diagnostic[]> {
  const argument = `--device ${text}`;
  const [name = '', ...rest] = text.split(',');
  // krunkit reads nothing behind it.
  if (name === 'virtio-rng') return ok({ kind: 'rng' });
  const form = Object.hasOwn(FORMS, name) ? FORMS[name] : undefined;
  if (!form) return err([unknownDevice(argument, name)]);
  const words = new Words(argument, rest.join(','), form.words);
  const device = form.parse(words);
  return device && words.diagnostics.length === 0 ? ok(device) : err(words.diagnostics);
}

function unknownDevice(argument: string, name: string): Diagnostic {
  const meant = nearest(name, DEVICE_NAMES);
  const hint = meant === undefined ? `krunkit knows ${DEVICE_NAMES.join(', ')}` : `did you mean ${meant}?`;
  return errorDiagnostic('unknown-key', `${argument}: there is no device \`${name}\``, { hint });
}

function parseDisk(words: Words): KrunkitDevice | undefined {
  const path = words.required('path');
  const written = words.text('format')?.toLowerCase() ?? 'raw';
  const format = words.choice('format', written, { raw: 'raw', qcow2: 'qcow2' } as const);
  return path === undefined || format === undefined ? undefined : { kind: 'disk', path, format };
}

function parseVsock(words: Words): KrunkitDevice | undefined {
  const port = words.number('port', words.required('port'), 0, U32);
  const path = words.required('socketURL');
  const [listen, connect] = [words.flag('listen'), words.flag('connect')];
  if (listen && connect)
    words.reject('conflict', '`listen` and `connect` exclude each other', 'remove one of the two');
  if (port === undefined || path === undefined) return undefined;
  return { kind: 'vsock', port, path, listener: connect ? 'guest' : 'host' };
}

function parseSerial(words: Words): KrunkitDevice | undefined {
  const logFile = words.required('logFilePath');
  return logFile === undefined ? undefined : { kind: 'serial', logFile };
}

function parseShare(words: Words): KrunkitDevice | undefined {
  const directory = words.required('sharedDir');
  const tag = words.required('mountTag');
  const bytes = Buffer.byteLength(tag ?? '');
  if (bytes > LONGEST_TAG_BYTES)
    words.reject('limit', `\`mountTag\` has ${bytes} bytes; virtio-fs has room for ${LONGEST_TAG_BYTES}`);
  if (tag === ROOT_TAG)
    words.reject('conflict', `libkrun needs the tag ${ROOT_TAG} itself`, 'choose another `mountTag`');
  const hasOwnSemantics = words.has('permissionSemantics');
  const written = words.text('permissionSemantics')?.toLowerCase() ?? 'simplified';
  const table = { complete: 'complete', simplified: 'simplified' } as const;
  const semantics = words.choice('permissionSemantics', written, table);
  if (directory === undefined || tag === undefined || semantics === undefined) return undefined;
  return { kind: 'share', directory, tag, semantics, hasOwnSemantics };
}

function parseGpu(words: Words): KrunkitDevice | undefined {
  const width = words.number('width', words.required('width'), 0, U32);
  const height = words.number('height', words.required('height'), 0, U32);
  return width === undefined || height === undefined ? undefined : { kind: 'gpu', width, height };
}

function parseInput(words: Words): KrunkitDevice | undefined {
  const [keyboard, pointing] = [words.flag('keyboard'), words.flag('pointing')];
  if (keyboard !== pointing) return { kind: 'input', type: keyboard ? 'keyboard' : 'pointing' };
  words.reject(
    keyboard ? 'conflict' : 'missing-key',
    keyboard ? '`keyboard` and `pointing` are two devices' : '`keyboard` or `pointing` is missing',
    keyboard ? 'write one --device for each' : 'write virtio-input,keyboard or virtio-input,pointing',
  );
  return undefined;
}
