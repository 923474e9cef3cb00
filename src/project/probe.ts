import type { HealthcheckConfig } from '../config/schema.gen.ts';
import type { Place } from './place.ts';
import type { Probe } from './project.ts';

type ProbeKind = Probe['kind'];

const PROBE_KINDS: readonly ProbeKind[] = ['test', 'http', 'tcp', 'log'];

/** The probes that a health check names. */
export function writtenProbes(config: HealthcheckConfig): readonly ProbeKind[] {
  return PROBE_KINDS.filter((kind) => config[kind] !== undefined);
}

/** The probe under that key; a mistake is reported. */
export function resolveProbe(config: HealthcheckConfig, kind: ProbeKind, at: Place): Probe | undefined {
  const { test = '', http = '', tcp = '', log = '' } = config;
  switch (kind) {
    case 'test':
      return resolveTest(test, at);
    case 'http':
      return resolveHttp(http, at);
    case 'tcp':
      return resolveTcp(Number(tcp), at);
    case 'log':
      return resolveLog(log, at);
  }
}

/** Compose's forms, and a plain list of words. */
function resolveTest(test: string | readonly string[], at: Place): Probe | undefined {
  const [first = '', ...rest] = typeof test === 'string' ? ['CMD-SHELL', test] : test;
  if (first === 'CMD-SHELL' && rest.length > 1) {
    at.error('invalid-value', '`CMD-SHELL` takes one text', {
      hint: 'write the whole command line as one text, or use `CMD` with words',
    });
    return undefined;
  }
  const words = first === 'CMD' || first === 'CMD-SHELL' ? rest : [first, ...rest];
  if ((words[0] ?? '').trim() === '') {
    at.error('invalid-value', 'the check has no command', { hint: 'write one, such as `[pg_isready]`' });
    return undefined;
  }
  return { kind: 'test', command: first === 'CMD-SHELL' ? ['/bin/sh', '-c', ...words] : words };
}

const URL_FORM = /^(https?):\/\/(?:([^/?#]*)@)?(\[[^\]/?#]*\]|[^:/?#]*)(?::(\d*))?([/?][^#]*)?(?:#.*)?$/i;

function resolveHttp(text: string, at: Place): Probe | undefined {
  const match = URL_FORM.exec(text);
  if (!match) {
    at.error('invalid-value', `"${text}" is not the URL of a web server`, {
      hint: 'write it such as `http://:80/healthz`',
    });
    return undefined;
  }
  const [, scheme = '', user, host = '', port, rest = '/'] = match;
  if (user !== undefined) {
    at.error('invalid-value', 'a check logs in nowhere', {
      hint: 'leave the name before the `@` out, or check with `test`',
    });
    return undefined;
  }
  const isSecure = scheme.toLowerCase() === 'https';
  const number = checkedPort(port === undefined || port === '' ? (isSecure ? 443 : 80) : Number(port), at);
  if (number === undefined) return undefined;
  return {
    kind: 'http',
    scheme: isSecure ? 'https' : 'http',
    host: host === '' ? 'localhost' : host,
    port: number,
    path: (rest.startsWith('?') ? `/${rest}` : rest).replaceAll(/[^!-~]+/g, percentEncoded),
  };
}

function percentEncoded(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}

function resolveTcp(port: number, at: Place): Probe | undefined {
  const checked = checkedPort(port, at);
  return checked === undefined ? undefined : { kind: 'tcp', port: checked };
}

function checkedPort(port: number, at: Place): number | undefined {
  if (port >= 1 && port <= 65_535) return port;
  at.error('invalid-value', `${port} is not a port`, { hint: 'ports are from 1 to 65535' });
  return undefined;
}

function resolveLog(pattern: string, at: Place): Probe | undefined {
  try {
    const expression = new RegExp(pattern, 'u');
    if (!expression.test('') || !expression.test('\0')) return { kind: 'log', pattern };
    at.error('invalid-value', 'every line matches this pattern', { hint: 'write what the line holds' });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const why = error.message.replace(/^Invalid regular expression: .*: /s, '').toLowerCase();
    at.error('invalid-value', `"${pattern}" is not a regular expression: ${why}`, {
      hint: 'a backslash makes one of `\\ ^ $ . * + ? ( ) [ ] { } |` an ordinary character',
    });
  }
  return undefined;
}
