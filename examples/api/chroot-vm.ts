// Runs a command in a directory as chroot(8) does, in a microVM: node chroot-vm.ts ROOT COMMAND [ARGUMENT...]
import { BuilderError, vm } from 'krun/builder';
import { LibkrunError } from 'krun/libkrun';

const [root, command, ...args] = process.argv.slice(2);
if (root === undefined || command === undefined) {
  console.error('usage: chroot-vm.ts ROOT COMMAND [ARGUMENT...]');
  process.exit(2);
}

try {
  await vm()
    .machine((m) => m.vcpus(2).memoryMiB(512))
    .fs((fs) => fs.root(root))
    // Sockets of the guest become sockets of this process, as in libkrun's own example.
    .vsock((v) => v.tsi())
    .exec((e) =>
      e
        .path(command)
        .args(args)
        .workdir('/')
        .env('PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
        .env('TERM', process.env['TERM'] ?? 'dumb'),
    )
    .build()
    // The process ends with the command, and with its exit code; nothing below runs then.
    .enter();
} catch (error) {
  if (!(error instanceof BuilderError || error instanceof LibkrunError)) throw error;
  console.error(`chroot-vm: ${error.message}`);
  if (error instanceof LibkrunError) console.error(`hint: ${error.hint}`);
  process.exitCode = 125;
}
