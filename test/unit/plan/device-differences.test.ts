import { expect, test } from 'vitest';
import { machineDifferences } from '../../../src/plan/differences.ts';
import type { Devices, Machine } from '../../../src/project/project.ts';
import { machine } from './support.ts';

function told(before: Partial<Machine>, after: Partial<Machine>): string[] {
  return machineDifferences(machine('web', before), machine('web', after)).map(
    ({ text, isLive }) => `${isLive ? 'live: ' : ''}${text}`,
  );
}

const port = { port: 5000, socket: '/p/a.sock', listener: 'host' } as const;
const named = (name: string): NonNullable<Devices['consolePorts']>[number] => ({
  name,
  kind: 'socket',
  path: `/p/${name}.sock`,
});

test.each<[Devices, Devices, string[]]>([
  [{}, { vsock: [port] }, ['vsock port 5000 added']],
  [{ vsock: [port] }, {}, ['vsock port 5000 removed']],
  [
    { vsock: [port] },
    { vsock: [{ ...port, listener: 'guest' }] },
    ['vsock port 5000 changed connect, /p/a.sock -> listen, /p/a.sock'],
  ],
  [{}, { consolePorts: [named('a')] }, ['console port a added']],
  [
    { consolePorts: [named('a')] },
    { consolePorts: [{ ...named('a'), kind: 'terminal', path: '/p/a' }] },
    ['console port a changed socket /p/a.sock -> tty /p/a'],
  ],
  [
    { consolePorts: [named('a'), named('b')] },
    { consolePorts: [named('b'), named('a')] },
    ['order of console ports changed'],
  ],
  [{}, { kernelConsole: 'ttyS0' }, ['console kernel changed hvc0 -> ttyS0']],
  [{}, { serial: { log: '/p/s' } }, ['serial changed none -> log /p/s, input none']],
  [
    { gpu: { virgl: false, venus: true, flags: [] } },
    { gpu: { virgl: true, venus: false, flags: ['egl'], shmBytes: 268_435_456 } },
    ['gpu changed venus -> virgl egl, shm 256 MiB'],
  ],
  [
    { displays: [{ width: 800, height: 600 }] },
    {
      displays: [
        { width: 800, height: 600, dpi: 96, refreshRateHz: 60, physicalSizeMm: { width: 300, height: 200 } },
        { width: 640, height: 480, edid: '/p/e' },
      ],
    },
    ['display changed 800x600 -> 800x600 60 Hz 96 dpi 300x200 mm; 640x480 EDID /p/e'],
  ],
  [{}, { inputs: ['/dev/input/event3'] }, ['input changed none -> /dev/input/event3']],
  [{}, { sound: true }, ['sound changed false -> true']],
])('%j -> %j', (before, after, texts) => {
  expect(told({ devices: before }, { devices: after })).toEqual(texts);
});

test('a machine that gets its first device needs another one', () => {
  expect(told({}, { devices: { sound: true } })).toEqual(['sound changed false -> true']);
});

test('the console’s log is exchanged while the machine runs', () => {
  const logs = { maxBytes: 1024, maxFiles: 1 };
  expect(told({ logs }, { logs: { ...logs, consoleFile: '/p/c.log' } })).toEqual([
    'live: console log changed none -> /p/c.log',
  ]);
  expect(told({ logs }, { logs: { ...logs, maxFiles: 2 } })).toEqual(['live: logs changed']);
});
