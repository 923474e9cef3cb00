declare global {
  /** Version in package.json; put in by scripts/build.mjs. */
  const __KRUN_VERSION__: string;
}

/** Version of this krun. */
export const KRUN_VERSION: string = __KRUN_VERSION__;
