// An interface with a fixed MAC address on a socket that the program opened, and one that gvproxy carries.
import { vm } from 'krun/builder';

const program = vm()
  .fs((fs) => fs.root('/path/to/rootfs'))
  // Frames that the program carries itself: one end of a socket pair, by the name that `enter` is given it under.
  .net((n) => n.mac([0x52, 0x54, 0x00, 0x12, 0x34, 0x56]).unixgram({ descriptor: 'frames' }))
  // Without mac() the address is made up, and always the same for the interface.
  .net((n) => n.unixgramPath('/run/user/1000/gvproxy.sock', { vfkitMagic: true }));

console.log(program.build().formatCalls());
