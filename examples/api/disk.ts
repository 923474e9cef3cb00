// A disk that the guest cannot write to beside its root directory, and a root that lies on a disk itself.
import { vm } from 'krun/builder';

const data = vm()
  .fs((fs) => fs.root('/path/to/rootfs'))
  .disk((d) => d.path('/path/to/disk.img').readOnly());

const root = vm()
  .disk((d) => d.path('/path/to/root.qcow2').format('qcow2'))
  .fs((fs) => fs.rootDevice('/dev/vda', { fstype: 'ext4' }));

for (const program of [data, root]) console.log(`${program.build().formatCalls()}\n`);
