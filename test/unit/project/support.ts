import type { Diagnostic } from '../../../src/base/diagnostic.ts';
import type { KrunFile } from '../../../src/config/schema.gen.ts';
import type { Machine, Project } from '../../../src/project/project.ts';
import { type ResolveInput, resolveProject } from '../../../src/project/resolve.ts';
import { toPlain } from '../../../src/source/locate.ts';
import { parseYaml } from '../../../src/source/parse.ts';
import { LINUX_HOST } from '../../support/host-facts.ts';
import { lineColumn } from '../../../src/source/source-file.ts';

const FILE = '/p/krun.yaml';

interface Resolved {
  readonly project: Project | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** One line a diagnostic, as a reader sees it. */
  readonly text: string;
}

/** Resolves a text as the file of a project in /p, on a host with eight CPUs. */
export function resolveText(text: string, more: Partial<ResolveInput> = {}): Resolved {
  const parsed = parseYaml({ path: FILE, text });
  if (parsed.tree?.kind !== 'map' || parsed.diagnostics.length > 0)
    throw new Error('the test has no valid YAML');
  const { project, diagnostics } = resolveProject({
    config: toPlain(parsed.tree) as KrunFile,
    tree: parsed.tree,
    directory: '/p',
    files: [FILE],
    texts: new Map([[FILE, text]]),
    name: 'shop',
    profiles: [],
    hostCpus: 8,
    hostArch: 'x64',
    host: LINUX_HOST,
    environment: { HOME: '/home/u' },
    ...more,
  });
  return {
    project,
    diagnostics,
    text: `\n${diagnostics.map((one) => diagnosticText(text, one)).join('\n')}\n`,
  };
}

function diagnosticText(text: string, { code, severity, message, span, related, hint }: Diagnostic): string {
  const at = (start: number): string => {
    const { line, column } = lineColumn(text, start);
    return `${line}:${column}`;
  };
  return [
    `${span ? at(span.start) : '-'} ${severity} ${code}: ${message}`,
    ...(related ?? []).map((one) => `    ${at(one.span.start)} ${one.message}`),
    ...(hint === undefined ? [] : [`    hint: ${hint}`]),
  ].join('\n');
}

/** A file with one machine, `web`, that has these further keys; each line is one key. */
export function webFile(...lines: string[]): string {
  const keys = ['root: ./rootfs', 'command: [/bin/app]', ...lines];
  return `machines:\n  web:\n${keys.map((line) => `    ${line}\n`).join('')}`;
}

/** The machine of {@link webFile}, which has to be valid. */
export function web(...lines: string[]): Machine {
  return only(resolveText(webFile(...lines)));
}

/** The machine `web` of a resolved project. */
export function only({ project, text }: Resolved): Machine {
  const machine = project?.machines['web'];
  if (!machine) throw new Error(`the project is not valid:${text}`);
  return machine;
}

/** What is said about a machine with these further keys. */
export function complaints(...lines: string[]): string {
  return resolveText(webFile(...lines)).text;
}
