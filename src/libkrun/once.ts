import { koffi } from '../host/koffi.ts';
import type { LibkrunFunction } from '../vm/functions.ts';
import { OncePerProcess } from './errors.ts';

/** What a process can do once. */
export type OnceDeed = 'log' | 'start';

/** Remembers that a deed is done; `owner` is an address in what did it. */
export interface OnceMarks {
  isDone(deed: OnceDeed, owner: bigint): boolean;
  set(deed: OnceDeed, owner: bigint, isDone: boolean): void;
}

/**
 * The marks of this process. They lie in its C environment: that is the one place that worker threads and further
 * copies of this module share. Process id and address keep a child, which inherits the environment, from believing them.
 */
export function processMarks(): OnceMarks {
  const library = koffi().load(null);
  const getenv = library.func('getenv', 'const char *', ['const char *']) as (name: string) => string | null;
  const setenv = library.func('setenv', 'int', ['const char *', 'const char *', 'int']);
  const variable = (deed: OnceDeed): string => `KRUN_PROCESS_DID_${deed.toUpperCase()}`;
  const doer = (owner: bigint): string => `${process.pid}:${owner.toString(16)}`;
  return {
    isDone: (deed, owner) => getenv(variable(deed)) === doer(owner),
    set: (deed, owner, isDone) => {
      setenv(variable(deed), isDone ? doer(owner) : '', 1);
    },
  };
}

/** The deed that a function is, if any. */
export function deedOf(call: LibkrunFunction): OnceDeed | undefined {
  if (call === 'krun_init_log' || call === 'krun_set_log_level') return 'log';
  return call === 'krun_start_enter' ? 'start' : undefined;
}

/** Does what can be done once, or throws {@link OncePerProcess}; a negative result has done nothing. */
export function once(call: LibkrunFunction, marks: OnceMarks, owner: bigint, action: () => number): number {
  const deed = deedOf(call);
  if (deed === undefined) return action();
  refuseSecond(call, deed, marks.isDone(deed, owner));
  const result = action();
  if (result >= 0) marks.set(deed, owner, true);
  return result;
}

/** Throws where the deed is done. */
export function refuseSecond(call: LibkrunFunction, deed: OnceDeed, isDone: boolean): void {
  if (!isDone) return;
  if (deed === 'log')
    throw new OncePerProcess(
      call,
      'the log of libkrun is initialised already; a second time would abort the process',
      'initialise the log once, before the first context, with `initLog` or `setLogLevel`',
    );
  throw new OncePerProcess(
    call,
    'this process runs a machine already; libkrun runs one in a process',
    'start each machine in a process of its own',
  );
}
