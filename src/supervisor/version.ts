/** Version of the krun that this code is part of; put in by scripts/build.mjs. */
export const SUPERVISOR_VERSION: string = __KRUN_VERSION__;
