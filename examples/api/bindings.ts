// The bindings step by step: log, context, machine, root, command; with a stub in the place of a libkrun that is missing.
import { type LoadedLibkrun, LibkrunNotAvailable, formatCall, loadLibkrun, stubLibkrun } from 'krun/libkrun';

function libkrun(): LoadedLibkrun {
  try {
    return loadLibkrun();
  } catch (error) {
    if (!(error instanceof LibkrunNotAvailable)) throw error;
    return stubLibkrun();
  }
}

const library = libkrun();
library.setLogLevel({ level: 'info' });
const context = library.createContext();
context.setVmConfig({ vcpus: 2, memoryMiB: 1024 });
context.setRoot({ path: '/path/to/rootfs' });
// The program's own name is not among the arguments, and without `env` the guest gets none of this process's.
context.setExec({ path: '/bin/echo', args: ['Hello World'], env: { PATH: '/bin' } });
context.setWorkdir({ path: '/' });

// `await context.startEnter()` would turn this process into the machine.
context.free();

const stub = stubLibkrun();
stub.createContext().setVmConfig({ vcpus: 1, memoryMiB: 512 });
console.log(stub.calls.map(formatCall).join('\n'));
