import path from 'node:path';
import type { Span } from '../base/diagnostic.ts';
import type { Machine } from '../project/project.ts';
import type { Tree } from '../source/tree.ts';
import { child } from './normalize.ts';
import { itemSpan, type Claim } from './path-claim.ts';

/** What the devices of a machine need on the host: files to read, and directories for what krun makes. */
export function deviceClaims(
  { devices = {}, logs }: Machine,
  at: Tree | undefined,
  more: { readonly directory: string; readonly fallback: Span },
): Claim[] {
  const { vsock = [], consolePorts = [], serial, displays = [], inputs = [] } = devices;
  const console = child(at, 'console');
  const inList = (list: Tree | undefined, key: string, wanted: string): Span =>
    itemSpan(list, key, more.directory, wanted) ?? list?.span ?? more.fallback;
  const spanOf = (tree: Tree | undefined): Span => tree?.span ?? more.fallback;
  return [
    ...vsock
      .filter(({ listener }) => listener === 'guest')
      .map(({ socket }) => parentClaim(socket, 'socket', inList(child(at, 'vsock'), 'socket', socket))),
    ...consolePorts.map(({ kind, path: place }) => {
      const key = kind === 'socket' ? 'socket' : 'tty';
      return parentClaim(
        place,
        kind === 'socket' ? 'socket' : 'terminal',
        inList(child(console, 'ports'), key, place),
      );
    }),
    ...parentClaims(logs.consoleFile, 'console log', spanOf(child(console, 'log'))),
    ...parentClaims(serial?.log, 'serial log', spanOf(child(child(at, 'serial'), 'log'))),
    ...fileClaims(serial?.input, 'serial input', spanOf(child(child(at, 'serial'), 'input'))),
    ...displays.flatMap(({ edid }) =>
      fileClaims(edid, 'EDID', inList(child(at, 'display'), 'edid', edid ?? '')),
    ),
    ...inputs.flatMap((device) =>
      fileClaims(device, 'input device', inList(child(at, 'input'), 'device', device)),
    ),
  ];
}

function parentClaims(file: string | undefined, what: string, span: Span): Claim[] {
  return file === undefined ? [] : [parentClaim(file, what, span)];
}

/** krun makes files where the user says so, and no directories. */
function parentClaim(file: string, what: string, span: Span): Claim {
  const directory = path.dirname(file);
  return {
    path: directory,
    span,
    what: `directory of the ${what}`,
    kind: 'directory',
    mayBeMissing: false,
    hint: 'make it, or choose another place',
  };
}

function fileClaims(file: string | undefined, what: string, span: Span): Claim[] {
  return file === undefined ? [] : [{ path: file, span, what, kind: 'file', mayBeMissing: false }];
}
