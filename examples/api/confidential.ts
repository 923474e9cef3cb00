// A machine whose memory is encrypted (AMD SEV): the variant with its configuration file, and a disk as root.
import { formatCall, stubLibkrun } from 'krun/libkrun';

const library = stubLibkrun({ variant: 'sev' }); // The same with loadLibkrun({ variant: 'sev' }).
const context = library.createContext();
context.setVmConfig({ vcpus: 2, memoryMiB: 1024 });
context.setTeeConfigFile({ path: '/path/to/tee.json' });
context.setRootDisk({ path: '/path/to/encrypted.img' });

console.log(library.calls.map(formatCall).join('\n'));
