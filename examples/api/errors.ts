// What can go wrong, as classes: no library, one that is too old or another variant, a bad argument, a refused call.
import {
  ArgumentError,
  KrunError,
  LibkrunNotAvailable,
  NotSupportedByVariant,
  NotSupportedByVersion,
  loadLibkrun,
  stubLibkrun,
} from 'krun/libkrun';

const attempts: readonly (() => unknown)[] = [
  () => loadLibkrun({ library: '/nowhere/libkrun.so.1' }),
  () => stubLibkrun({ version: '1.17.4' }).createContext().disableImplicitInit(),
  () =>
    stubLibkrun({ features: ['NET'] })
      .createContext()
      .addDisk({ id: 'a', path: '/path/to/a.img' }),
  () => stubLibkrun().createContext().setRoot({ path: 'with\0nul' }),
  () => {
    const context = stubLibkrun().createContext();
    context.free();
    context.setRoot({ path: '/path/to/rootfs' });
  },
];

/** A program decides by the class; a person reads message and hint. */
function explain(error: unknown): string {
  if (error instanceof LibkrunNotAvailable) return `no libkrun: ${error.hint}`;
  if (error instanceof NotSupportedByVersion) return `${error.call} needs libkrun ${error.since}`;
  if (error instanceof NotSupportedByVariant) return `${error.call} needs a build with ${error.feature}`;
  if (error instanceof ArgumentError) return `${error.parameter} of ${error.call} is wrong: ${error.message}`;
  if (error instanceof KrunError) return `${error.call} was refused with ${error.errno}: ${error.meaning}`;
  throw error;
}

for (const attempt of attempts) {
  try {
    attempt();
  } catch (error) {
    console.log(explain(error));
  }
}
