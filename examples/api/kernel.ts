// The bundled kernel from a libkrunfw of one's own, and another kernel, whose command line is then one's own too.
import { vm } from 'krun/builder';

const bundled = vm()
  .kernel((k) => k.krunfwPath('/path/to/libkrunfw.so.5'))
  .fs((fs) => fs.root('/path/to/rootfs'));

const other = vm().kernel((k) =>
  k.path('/path/to/vmlinux', 'elf').initramfs('/path/to/initrd').cmdline('console=hvc0').cmdline('debug'),
);

for (const program of [bundled, other]) console.log(`${program.build().formatCalls()}\n`);
