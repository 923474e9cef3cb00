import { expect, test } from 'vitest';
import { isKernelThread, parseProcesses, topJson, topTable } from '../../../src/view/top.ts';

const PROCPS = `42
USER         PID    PPID STAT     TIME COMMAND
root           1       0 Ss   00:00:01 /init.krun
root           2       0 S    00:00:00 [kthreadd]
root           3       2 I<   00:00:00 [rcu_gp]
www-data      17       1 Sl   00:01:30 /bin/httpd -f  -h "/srv/a b"
root          42      20 S    00:00:00 /bin/sh -c script
root          43      42 R    00:00:00 ps -ww -e -o user,pid
`;

const BUSYBOX = `9
USER     PID   PPID  STAT COMMAND
root         1     0 S    {init} /bin/sh /init
1000         8     1 S    sleep 1000
root         9     8 S    sh
`;

const TINY = `9
PID   USER     TIME  COMMAND
    1 root      0:00 init
    8 root      0:02 httpd -f
`;

test('processes of a full ps, without those that asked', () => {
  const processes = parseProcesses(PROCPS);
  expect(processes.map(({ pid }) => pid)).toEqual([1, 2, 3, 17]);
  expect(
    topTable(
      processes.filter((each) => !isKernelThread(each)),
      undefined,
    ),
  ).toMatchInlineSnapshot(`
    "USER       PID   PPID   STAT   TIME       COMMAND
    root       1     0      Ss     00:00:01   /init.krun
    www-data   17    1      Sl     00:01:30   /bin/httpd -f -h "/srv/a b""
  `);
});

test('processes of a busybox without times', () => {
  expect(topTable(parseProcesses(BUSYBOX), undefined)).toMatchInlineSnapshot(`
    "USER   PID   PPID   STAT   TIME   COMMAND
    root   1     0      S             {init} /bin/sh /init
    1000   8     1      S             sleep 1000"
  `);
});

test('columns are found by their titles', () => {
  expect(parseProcesses(TINY).map((process) => topJson('web', process))).toMatchInlineSnapshot(`
    [
      "{"machine":"web","user":"root","pid":1,"ppid":0,"state":"","time":"0:00","command":"init"}",
      "{"machine":"web","user":"root","pid":8,"ppid":0,"state":"","time":"0:02","command":"httpd -f"}",
    ]
  `);
});

test('a table is no wider than the terminal', () => {
  const lines = topTable(parseProcesses(PROCPS), 50).split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(50);
});
