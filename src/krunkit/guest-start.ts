import type { VmExec } from '../vm/vm.ts';

/** The console port whose every line asks the guest to shut down. */
export const STOP_PORT = 'krun.stop';

/** Where the kernel looks for an init. */
const INITS = '${KRUN_INITS:=/sbin/init /etc/init /bin/init}';

/**
 * Becomes the guest's own init. Before that it leaves a listener behind that turns each line of the stop port
 * into what Ctrl-Alt-Del is to an init: SIGINT for this process, number 1, which all of them take for an
 * orderly reboot. A reboot is what ends a microVM. The port's name may come later than this. No double
 * quotes, no newline: it travels on the kernel command line.
 */
const SCRIPT: string = [
  '{ while :;do for p in ${KRUN_SYS:=/sys/class/virtio-ports}/*;do',
  ' { read n<$p/name;} 2>/dev/null;',
  ` [ x$n = x${STOP_PORT} ]&&{ while read l;do kill -INT $$;done <\${KRUN_DEV:=/dev}/\${p##*/};exit;};`,
  'done;done;} </dev/null >/dev/null 2>&1 &',
  ` unset KRUN_INIT KRUN_INIT_PID1;for i in ${INITS};do [ -x $i ]&&exec $i;done;exec /bin/sh`,
].join('');

/** What libkrun's init starts as process 1 of a guest that boots from its disk. */
export const GUEST_START: VmExec = {
  path: '/bin/sh',
  args: ['-c', SCRIPT],
  env: ['KRUN_INIT_PID1=1', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  isChecked: true,
};
