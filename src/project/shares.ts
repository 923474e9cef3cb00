import { createHash } from 'node:crypto';
import type { ShareConfig, ShareConfigLong } from '../config/schema.gen.ts';
import { reservedGuestPath, resolveGuestPath } from './guest-path.ts';
import { type HostScope, resolveHostPath } from './host-path.ts';
import type { Place } from './place.ts';
import type { Share } from './project.ts';
import { boolOr, sizeOr } from './scalars.ts';

/** virtio-fs has 36 bytes for a tag; libkrun aborts on a longer one. */
const LONGEST_TAG_BYTES = 36;

/** The shares of a machine in mount order: a target comes before the targets below it. */
export function resolveShares(
  configs: readonly ShareConfig[],
  scope: HostScope,
  at: Place,
): readonly Share[] {
  const places = new Map<string, Place>();
  const shares = configs.flatMap((config, index) => {
    const place = at.child(index);
    const share = resolveShare(config, scope, place);
    if (!share) return [];
    const isNew = share.target === undefined || checkUnique(places, `target \`${share.target}\``, place);
    // A tag that the target gave is no second mistake.
    if (isNew) checkUnique(places, `tag \`${share.tag}\``, place);
    place.isOriginOf(at.path, share.target ?? share.tag);
    return [share];
  });
  return shares.toSorted((a, b) => ((a.target ?? a.tag) < (b.target ?? b.tag) ? -1 : 1));
}

/** Whether a target or a tag is the first of its kind; reported otherwise. */
function checkUnique(places: Map<string, Place>, what: string, place: Place): boolean {
  const first = places.get(what);
  if (!first) {
    places.set(what, place);
    return true;
  }
  place.error('conflict', `two shares have the ${what}`, {
    related: [{ message: 'the first share is here', span: first.valueSpan }],
    hint: 'change one of them',
  });
  return false;
}

function resolveShare(config: ShareConfig, scope: HostScope, at: Place): Share | undefined {
  const long = typeof config === 'string' ? splitShare(config) : config;
  const target = resolveTarget(long, at);
  const tag = long.tag ?? (target === undefined ? undefined : tagOf(target));
  if (tag === undefined) {
    at.error('missing-key', 'the share has neither `target` nor `tag`', {
      hint: 'say where it is mounted in the guest, such as `target: /app`',
    });
    return undefined;
  }
  const tagBytes = Buffer.byteLength(tag);
  if (tagBytes > LONGEST_TAG_BYTES) {
    at.child('tag').error('limit', `the tag has ${tagBytes} bytes; the most is ${LONGEST_TAG_BYTES}`);
  }
  const notify = boolOr(long.notify, false);
  if (notify && target === undefined) {
    at.child('notify').error('conflict', 'krun does not know where the guest mounts the share', {
      hint: 'give it a `target`, or remove `notify`',
    });
  }
  const readOnly = boolOr(long.readonly, false);
  if (notify && readOnly) {
    at.child('notify').error('conflict', 'changes of a read-only share cannot be told to the guest', {
      hint: 'krun tells them by touching the files from within the guest: remove `notify` or `readonly`',
    });
  }
  return {
    source: resolveHostPath(long.source, scope, at.child('source')),
    ...(target === undefined ? {} : { target }),
    tag,
    readOnly,
    daxBytes: sizeOr(long.dax, 0, at.child('dax')),
    ...(notify ? { notify } : {}),
  };
}

/** Parts of `SOURCE:TARGET[:ro|rw]`. */
function splitShare(text: string): ShareConfigLong {
  const match = /^(.+?):([^:]*?)(?::(ro|rw))?$/.exec(text);
  if (!match) return { source: text };
  const [, source = text, target = '', mode] = match;
  return { source, target, readonly: mode === 'ro' };
}

function resolveTarget(config: ShareConfigLong, at: Place): string | undefined {
  if (config.target === undefined) return undefined;
  const target = resolveGuestPath(config.target, at.child('target'));
  const reserved = reservedGuestPath(target);
  if (reserved === '/') {
    at.child('target').error('path', 'a share cannot replace the root of the guest', {
      hint: 'use `root` for that',
    });
  } else if (reserved !== undefined) {
    at.child('target').error('path', `the guest's kernel owns ${reserved}: nothing can be shared there`);
  }
  return target;
}

/**
 * Tag of a share that names none. It depends on the target alone, so that other shares never change it; targets with
 * other characters than those that stand for themselves, and long ones, are told apart by a hash.
 */
function tagOf(target: string): string {
  const plain = target.slice(1).replaceAll('/', '.');
  const isInjective = /^[\w/-]+$/.test(target) && plain.length <= LONGEST_TAG_BYTES;
  if (isInjective) return plain;
  const hash = createHash('sha256').update(target).digest('hex').slice(0, 8);
  const readable = plain.replaceAll(/[^\w.-]/g, '-').slice(0, LONGEST_TAG_BYTES - hash.length - 1);
  return `${readable}-${hash}`;
}
