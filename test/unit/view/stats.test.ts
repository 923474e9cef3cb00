import { expect, test } from 'vitest';
import { type GuestLoad, parseLoad, statsJson, statsTable } from '../../../src/view/stats.ts';

const ANSWER = `=meminfo
MemTotal:         502344 kB
MemFree:          400000 kB
MemAvailable:     420424 kB
=loadavg
0.42 0.10 0.01 1/50 123
=net/dev
Inter-|   Receive                                                |  Transmit
face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
lo:    5000      50    0    0    0     0          0         0     5000      50    0    0    0     0       0          0
eth0: 1048576     100    0    0    0     0          0         0   2097152      90    0    0    0     0       0          0
eth1:1000 1 0 0 0 0 0 0 24 1 0 0 0 0 0 0
=df
Filesystem     1024-blocks    Used Available Capacity Mounted on
/dev/vda            996780  102400    825568      12% /
`;

const LOAD: GuestLoad = {
  memoryUsedBytes: (502_344 - 420_424) * 1024,
  memoryTotalBytes: 502_344 * 1024,
  load: 0.42,
  disk: { usedBytes: 102_400 * 1024, totalBytes: 996_780 * 1024 },
  network: { receivedBytes: 1_049_576, sentBytes: 2_097_176 },
};

test('an answer of a guest is read', () => {
  expect(parseLoad(ANSWER)).toEqual(LOAD);
});

test('a guest without df has no disk, and one without proc says nothing', () => {
  expect(parseLoad(ANSWER.slice(0, ANSWER.indexOf('=df')))).toEqual({
    ...LOAD,
    disk: undefined,
  });
  expect(parseLoad('=meminfo\n=loadavg\n')).toBeUndefined();
  expect(parseLoad('')).toBeUndefined();
});

test('a device with a long name breaks no line', () => {
  const df = 'Filesystem 1024-blocks Used Available Capacity Mounted on\nserver:/a b/c 1000 10 990 1% /\n';
  expect(parseLoad(`${ANSWER.slice(0, ANSWER.indexOf('=df'))}=df\n${df}`)?.disk).toEqual({
    totalBytes: 1_024_000,
    usedBytes: 10_240,
  });
});

const STATS = [
  { machine: 'web', cpuPercent: 12.345, hostMemoryBytes: 150 * 1024 ** 2, guest: LOAD },
  { machine: 'db', cpuPercent: 0, hostMemoryBytes: 1023 },
  { machine: 'big', cpuPercent: 799.96, hostMemoryBytes: 9.96 * 1024 ** 3 },
];

test('a table has what the guest says beside what the host sees', () => {
  expect(statsTable(STATS, undefined)).toMatchInlineSnapshot(`
    "NAME   CPU      HOST MEMORY   GUEST MEMORY       LOAD   DISK                NETWORK IN / OUT
    web    12.3%    150 MiB       80 MiB / 491 MiB   0.42   100 MiB / 973 MiB   1.0 MiB / 2.0 MiB
    db     0.0%     1023 B        -                  -      -                   -
    big    800.0%   10 GiB        -                  -      -                   -"
  `);
});

test('one JSON object a machine', () => {
  expect(STATS.map(statsJson).join('\n')).toMatchInlineSnapshot(`
    "{"name":"web","cpuPercent":12.3,"hostMemoryBytes":157286400,"guest":{"memoryUsedBytes":83886080,"memoryTotalBytes":514400256,"load":0.42,"disk":{"usedBytes":104857600,"totalBytes":1020702720},"network":{"receivedBytes":1049576,"sentBytes":2097176}}}
    {"name":"db","cpuPercent":0,"hostMemoryBytes":1023,"guest":null}
    {"name":"big","cpuPercent":800,"hostMemoryBytes":10694468567.04,"guest":null}"
  `);
});
