// A directory as root alone; with two more under tags, one with a DAX window; and files that only the guest has.
import { vm } from 'krun/builder';

const root = vm().fs((fs) => fs.root('/path/to/rootfs'));

const mounts = root
  .fs((fs) =>
    fs
      .tag('data')
      .daxBytes(2 ** 30)
      .path('/host/data'),
  )
  .fs((fs) => fs.tag('logs').path('/host/logs'));

// libkrun serves no file system that the program implements; files from memory are what it can do (1.19).
const files = vm().fs((fs) => fs.root('/path/to/rootfs').directory('/app').file('/app/id', 'web-1\n'));

for (const program of [root, mounts, files]) console.log(`${program.build().formatCalls()}\n`);
