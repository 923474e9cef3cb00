// A command with its environment, one variable at a time and several at once, a directory and a limit of open files.
import { vm } from 'krun/builder';

const base = vm().fs((fs) => fs.root('/path/to/rootfs'));

const single = base.exec((e) =>
  e
    .path('/bin/myapp')
    .args(['--flag', 'value'])
    .env('HOME', '/root')
    .env('LANG', 'en_US.UTF-8')
    .workdir('/app')
    .rlimit('NOFILE', 1024, 4096),
);

const several = base.exec((e) => e.path('/bin/myapp').envs({ HOME: '/root', LANG: 'en_US.UTF-8' }));

for (const program of [single, several]) console.log(`${program.build().formatCalls()}\n`);
