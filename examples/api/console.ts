// What the guest prints goes to a file; a second machine has sound, a GPU and a port to the host beside it.
import { vm } from 'krun/builder';

const logged = vm()
  .fs((fs) => fs.root('/path/to/rootfs'))
  .console((c) => c.output('/tmp/vm.log'));

const rich = vm()
  .fs((fs) => fs.root('/path/to/rootfs'))
  .console((c) => c.port('org.example.agent', { input: { descriptor: 'in' }, output: { descriptor: 'out' } }))
  .devices((d) => d.sound().gpu({ flags: ['egl'], shmBytes: 2 ** 28 }));

for (const program of [logged, rich]) console.log(`${program.build().formatCalls()}\n`);
