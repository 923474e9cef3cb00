import { expect, test } from 'vitest';
import { oneOffProject } from '../../../src/project/one-off.ts';
import { machineDefinition, onGvproxy, projectOf } from '../../support/definitions.ts';

const web = machineDefinition('web', {
  dependsOn: { db: { condition: 'started' } },
  restart: { policy: 'always' },
  networks: [onGvproxy('web', {}, { ip: '192.168.127.9', aliases: ['www'] })],
  stopCommand: ['stop'],
  tty: true,
  stdinOpen: true,
});
const project = projectOf([
  web,
  machineDefinition('db'),
  machineDefinition('proxy', { dependsOn: { web: { condition: 'started' } } }),
]);
const REQUEST = { of: 'web', name: 'web-run-1', idle: true, removed: true };

test('a one-off machine takes the place of the one that it is like, with what that needs', () => {
  const made = oneOffProject(project, REQUEST);
  expect(Object.keys(made.machines)).toEqual(['db', 'web-run-1']);
  expect(made.disabledMachines).toEqual(['proxy', 'web']);
  expect(made.machines['db']).toBe(project.machines['db']);
});

test('it has no address, name or restart of the other, and ends with its command', () => {
  const machine = oneOffProject(project, REQUEST).machines['web-run-1'];
  expect(machine).toMatchObject({
    name: 'web-run-1',
    kind: 'task',
    hostname: 'web-run-1',
    restart: { policy: 'no' },
    tty: false,
    stdinOpen: false,
    stopCommand: [],
    oneOff: { of: 'web', idle: true, removed: true },
  });
  const [attachment] = machine?.networks ?? [];
  expect(attachment?.aliases).toEqual([]);
  expect(attachment).not.toHaveProperty('ip');
  expect(attachment?.mac).not.toBe(web.networks[0]?.mac);
  expect(attachment?.mac).toMatch(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
});

test('one that runs its own command keeps what that needs', () => {
  const detached = { ...REQUEST, idle: false };
  expect(oneOffProject(project, detached).machines['web-run-1']).toMatchObject({
    tty: true,
    stdinOpen: true,
    stopCommand: ['stop'],
  });
  expect(oneOffProject(project, { ...detached, tty: false }).machines['web-run-1']).toMatchObject({
    tty: false,
  });
});

test('a hostname that the file gives stays', () => {
  const named = projectOf([machineDefinition('web', { hostname: 'shop' })]);
  expect(oneOffProject(named, REQUEST).machines['web-run-1']?.hostname).toBe('shop');
});

test('sockets and files of the other machine stay that machine’s', () => {
  const logs = { maxBytes: 1024, maxFiles: 1 };
  const original = machineDefinition('web', {
    logs: { ...logs, consoleFile: '/p/console.log' },
    devices: {
      vsock: [
        { port: 1, socket: '/p/host.sock', listener: 'host' },
        { port: 2, socket: '/p/guest.sock', listener: 'guest' },
      ],
      consolePorts: [{ name: 'a', kind: 'socket', path: '/p/a.sock' }],
      serial: { log: '/p/serial.log', input: '/p/serial.in' },
      sound: true,
    },
  });
  const { devices, logs: own } = oneOffProject(projectOf([original]), REQUEST).machines['web-run-1'] ?? {};
  expect(devices).toEqual({
    vsock: [{ port: 1, socket: '/p/host.sock', listener: 'host' }],
    serial: {},
    sound: true,
  });
  expect(own).toEqual(logs);
  const console = machineDefinition('web', {
    devices: { consolePorts: original.devices?.consolePorts ?? [] },
  });
  expect(oneOffProject(projectOf([console]), REQUEST).machines['web-run-1']).not.toHaveProperty('devices');
});
