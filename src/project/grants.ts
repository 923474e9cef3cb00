import { own } from '../base/record.ts';
import { nearest } from '../base/text.ts';
import { shownPath } from '../config/read.ts';
import type {
  ConfigGrantConfigLong,
  KrunFile,
  MachineConfig,
  SecretGrantConfigLong,
} from '../config/schema.gen.ts';
import type { HostEnvironment } from './env.ts';
import { reservedGuestPath, resolveGuestPath } from './guest-path.ts';
import { resolveHostPath } from './host-path.ts';
import type { Place } from './place.ts';
import type { FileGrant, GrantSource, Share } from './project.ts';
import { countOr, parseMode } from './scalars.ts';
import { sharedPath } from './share-at.ts';

/** What grants can refer to. */
export interface GrantScope extends GrantSources {
  readonly shares: readonly Share[];
}

/** Where contents can come from. */
export interface GrantSources {
  readonly file: KrunFile;
  readonly directory: string;
  readonly environment: HostEnvironment;
}

/** The two kinds of files: they differ in where they lie in the guest, and in what krun shows of the file. */
export type GrantKind = 'secrets' | 'configs';

/** The secrets and configs that a machine gets, by their place in the guest. */
export function resolveGrants(
  config: MachineConfig,
  scope: GrantScope,
  at: Place,
): Readonly<Record<GrantKind, readonly FileGrant[]>> {
  const targets = new Map<string, Place>();
  const resolve = (kind: GrantKind): readonly FileGrant[] => {
    const places = at.child(kind);
    const grants = (config[kind] ?? []).flatMap((written, index) => {
      const place = places.child(index);
      const long = typeof written === 'string' ? { source: written } : written;
      place.isOriginOf(places.path, long.source);
      const grant = resolveGrant(kind, long, scope, place);
      if (grant) {
        checkUnique(targets, grant.target, place);
        checkShare(grant.target, scope, place);
      }
      return grant ? [grant] : [];
    });
    return grants.toSorted((a, b) => (a.target < b.target ? -1 : 1));
  };
  return { secrets: resolve('secrets'), configs: resolve('configs') };
}

/** As in compose: whatever user the command runs as, it may read its files. */
const READABLE = 0o444;

function resolveGrant(
  kind: GrantKind,
  config: SecretGrantConfigLong | ConfigGrantConfigLong,
  scope: GrantScope,
  at: Place,
): FileGrant | undefined {
  const source = resolveSource(kind, config.source, scope, at);
  if (!source) return undefined;
  return {
    name: config.source,
    source,
    target: resolveTarget(kind, config, at.child('target')),
    uid: countOr(config.uid, 0),
    gid: countOr(config.gid, 0),
    mode: config.mode === undefined ? READABLE : parseMode(config.mode),
  };
}

function resolveSource(kind: GrantKind, name: string, scope: GrantScope, at: Place): GrantSource | undefined {
  const noun = kind.slice(0, -1);
  const sources = scope.file[kind] ?? {};
  const config = own(sources, name);
  if (!config) {
    const near = nearest(name, Object.keys(sources));
    const hint =
      near === undefined
        ? `say at the top level where it comes from: \`${kind}: { ${name}: { file: ./${name} } }\``
        : `did you mean \`${near}\`?`;
    at.error('unknown-reference', `there is no ${noun} \`${name}\``, { hint });
    return undefined;
  }
  const { file, environment: variable } = config;
  const place = at.root.child(kind, name);
  if (file !== undefined) return { kind: 'file', path: resolveHostPath(file, scope, place.child('file')) };
  if (variable === undefined) return { kind: 'content' };
  if (own(scope.environment, variable) === undefined) {
    place
      .child('environment')
      .error('unset-variable', `the variable \`${variable}\` of ${noun} \`${name}\` is not set`, {
        hint: `set ${variable}, here or in .env`,
      });
  }
  return { kind: 'environment', variable };
}

function resolveTarget(
  kind: GrantKind,
  { source, target: written }: SecretGrantConfigLong | ConfigGrantConfigLong,
  at: Place,
): string {
  if (written?.endsWith('/')) {
    at.error('path', `"${written}" is a directory; the target is the file itself`, {
      hint: `did you mean \`${written}${source}\`?`,
    });
  }
  const path = written ?? (kind === 'configs' ? `/${source}` : source);
  const isBelowSecrets = kind === 'secrets' && !path.startsWith('/');
  const target = resolveGuestPath(isBelowSecrets ? `/run/secrets/${path}` : path, at);
  const reserved = reservedGuestPath(target);
  if (reserved !== undefined && reserved !== '/') {
    at.error('path', `the guest's kernel owns ${reserved}: krun can put no file there`);
  }
  return target;
}

/** A file is mounted over another one, which has to be there: on a share that is one of the host. */
function checkShare(target: string, { shares, directory }: GrantScope, at: Place): void {
  const shared = sharedPath(target, shares);
  if (!shared) return;
  const file = shownPath(shared.onHost, directory);
  const why = shared.share.readOnly
    ? `which is read-only: the start fails unless the host has a file ${file}`
    : `so the host gets an empty file ${file}`;
  at.child('target').warning('conflict', `\`${target}\` lies on the share \`${shared.mount}\`, ${why}`, {
    hint: 'choose a target outside of the share',
  });
}

function checkUnique(targets: Map<string, Place>, target: string, at: Place): void {
  const first = targets.get(target);
  if (!first) {
    targets.set(target, at);
    return;
  }
  at.error('conflict', `two files of the machine have the target \`${target}\``, {
    related: [{ message: 'the first file is here', span: first.valueSpan }],
    hint: 'remove one of them, or give it another `target`',
  });
}
