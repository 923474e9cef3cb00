/*
 * What has to be undone before the process ends itself. libkrun ends it without a word to JavaScript; what is left then
 * is the supervisor's to remove, or the next start's.
 */

const acts: (() => void)[] = [];

/** Registers something for {@link performLastActs}. */
export function addLastAct(act: () => void): void {
  acts.push(act);
}

/** Does everything that was registered, once. */
export function performLastActs(): void {
  for (const act of acts.splice(0)) act();
}
