import type { Span } from '../base/diagnostic.ts';
import type { Machine } from '../project/project.ts';
import type { Tree } from '../source/tree.ts';
import { child } from './normalize.ts';
import { itemSpan, type Claim } from './path-claim.ts';

/** The files of the host that a machine boots, or that lie over its root. */
export function bootClaims(
  { boot, root, teeConfig, build }: Machine,
  at: Tree | undefined,
  more: { readonly directory: string; readonly fallback: Span },
): Claim[] {
  const written = child(at, 'boot');
  // A build may make what boots, where there is no root that it makes.
  const mayBeMissing = build !== undefined;
  const claim = (what: string, path: string | undefined, tree: Tree | undefined): Claim[] =>
    path === undefined ? [] : [{ path, span: tree?.span ?? more.fallback, what, kind: 'file', mayBeMissing }];
  const files = (root.kind === 'directory' && root.overlay?.files) || [];
  const overlay = child(child(child(at, 'root'), 'overlay'), 'files');
  return [
    ...(boot === undefined ? [] : claim(boot.kind, boot.path, child(written, boot.kind))),
    ...(boot?.kind === 'kernel' ? claim('initrd', boot.initrd, child(written, 'initrd')) : []),
    ...claim('TEE configuration', teeConfig, child(child(at, 'tee'), 'config')),
    ...files.flatMap(({ path, source }): Claim[] => {
      if (source.kind !== 'file') return [];
      const span = itemSpan(overlay, 'source', more.directory, source.path) ?? more.fallback;
      return [{ path: source.path, span, what: `source of /${path}`, kind: 'file', mayBeMissing: false }];
    }),
  ];
}
