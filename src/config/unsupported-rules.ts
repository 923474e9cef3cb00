import type { MapTree, Tree } from '../source/tree.ts';

/** One thing that the schema accepts and this version cannot do. */
export interface UnsupportedRule {
  /** Path as in the reference: `*` for a chosen name, `[]` for each item of a list. */
  readonly path: string;
  /** What of it is not supported, where not all of it is; for the reference page. */
  readonly only?: string;
  /** Whether a value is one of those; every value when absent. `parent` is the map around it. */
  readonly when?: (value: Tree, parent: MapTree | undefined) => boolean;
  /** What is not supported yet, with its verb: `UDP ports are`. */
  readonly what: string;
  /** What to do now. */
  readonly instead?: string;
}

/** Every key that is accepted and not done yet, in the order of the reference. */
export const UNSUPPORTED_RULES: readonly UnsupportedRule[] = [
  ...machineRules('', [
    {
      path: 'root.image',
      what: 'an OCI image as root is',
      instead: 'unpack the image into a directory and write `root: ./rootfs`; `build` can do that for you',
    },
  ]),
  ...machineRules('shares[].', [
    {
      path: 'exclude',
      what: 'leaving out parts of a share is',
      instead: 'virtiofs shows a directory whole: share the directories that you need one by one',
    },
  ]),
];

function machineRules(prefix: string, rules: readonly UnsupportedRule[]): UnsupportedRule[] {
  return rules.map((rule) => ({ ...rule, path: `machines.*.${prefix}${rule.path}` }));
}
