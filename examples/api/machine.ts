// Four CPUs and 2 GiB, and a guest that can run virtual machines of its own; hyperthreads are what libkrun cannot give.
import { BuilderError, vm } from 'krun/builder';

const program = vm()
  .machine((m) => m.vcpus(4).memoryMiB(2048).nestedVirt())
  .fs((fs) => fs.root('/path/to/rootfs'));

console.log(program.build().formatCalls());

try {
  program.machine((m) => m.hyperthreading(true)).build();
} catch (error) {
  if (!(error instanceof BuilderError)) throw error;
  console.log(error.message);
}
