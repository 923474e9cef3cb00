import { expect, test } from 'vitest';
import { helperCheck } from '../../../src/cli/doctor/network-helpers.ts';
import { hypervisorAnswerCheck, nodeCopyCheck } from '../../../src/cli/doctor/signed-node.ts';
import { checkNode } from '../../../src/cli/doctor/surroundings.ts';
import { hasNetAdmin, tunCheck } from '../../../src/cli/doctor/tun.ts';
import { userNamespaceCheck } from '../../../src/cli/doctor/user-namespaces.ts';
import { hypervisorCheck, kvmCheck } from '../../../src/cli/doctor/virtualization.ts';
import { doctorText } from '../../../src/view/doctor.ts';
import { createPaint } from '../../../src/view/style.ts';

const REAL_CPU = 'processor\t: 0\nflags\t\t: fpu vme sse2 svm npt\n';
const GUEST_CPU = 'processor\t: 0\nflags\t\t: fpu vme sse2 hypervisor svmless\n';

test.each([
  ['usable', { openError: undefined, arch: 'x64', cpuInfo: REAL_CPU }, 'ok', '/dev/kvm is usable'],
  [
    'an emulation',
    { openError: undefined, arch: 'x64', cpuInfo: GUEST_CPU },
    'failed',
    '/dev/kvm opens, but the CPU has neither svm nor vmx: this KVM cannot boot the bundled kernel',
  ],
  [
    'usable on arm64, which has no such flags',
    { openError: undefined, arch: 'arm64', cpuInfo: '' },
    'ok',
    '/dev/kvm is usable',
  ],
  ['missing', { openError: 'ENOENT', arch: 'x64', cpuInfo: REAL_CPU }, 'failed', '/dev/kvm is missing'],
  [
    'forbidden',
    { openError: 'EACCES', arch: 'x64', cpuInfo: REAL_CPU },
    'failed',
    'no permission to open /dev/kvm',
  ],
  [
    'broken',
    { openError: 'EIO', arch: 'x64', cpuInfo: REAL_CPU },
    'failed',
    '/dev/kvm cannot be opened: EIO',
  ],
] as const)('KVM may be %s', (_, facts, status, detail) => {
  expect(kvmCheck(facts)).toMatchObject({ id: 'kvm', status, detail });
});

test('Hypervisor.framework needs Apple silicon and its support', () => {
  expect(hypervisorCheck('arm64', '1').status).toBe('ok');
  expect(hypervisorCheck('arm64', '0').status).toBe('failed');
  expect(hypervisorCheck('x64', '1').detail).toBe('libkrun needs Apple silicon, this is x64');
});

test.each([
  ['18.20.0', 'failed'],
  ['20.18.9', 'failed'],
  ['20.19.0', 'ok'],
  ['22.0.0', 'ok'],
])('Node.js %s is %s', (version, status) => {
  expect(checkNode(version).status).toBe(status);
});

test('a helper that is too old fails only where the project needs it', () => {
  const problem = 'gvproxy 0.6.0 is too old: krun needs 0.8.0 or newer, older ones always take port 2222';
  const found = '/usr/bin/gvproxy (0.6.0)';
  expect(helperCheck('gvproxy', { users: [], found, problem })).toMatchObject({
    id: 'gvproxy',
    status: 'warning',
    detail: `${found}: ${problem}`,
  });
  expect(helperCheck('gvproxy', { users: ['back', 'front'], found, problem })).toMatchObject({
    status: 'failed',
    detail: `${found}: ${problem}; networks \`back\` and \`front\` need it`,
  });
  expect(helperCheck('gvproxy', { users: ['default'], found, problem: undefined })).toEqual({
    id: 'gvproxy',
    status: 'ok',
    detail: `${found}; network \`default\` needs it`,
  });
});

const TUN = { openError: undefined, isNeeded: true, mayCreate: false, uid: 1000, taps: [] } as const;

test.each([
  ['usable', TUN, 'ok', '/dev/net/tun is usable; tap devices of your user can be opened'],
  ['usable by root', { ...TUN, mayCreate: true }, 'ok', '/dev/net/tun is usable; krun may make tap devices'],
  [
    'missing where nobody needs it',
    { ...TUN, isNeeded: false, openError: 'ENOENT' },
    'missing',
    '/dev/net/tun is missing; needed for networks with driver: tap',
  ],
  [
    'missing',
    { ...TUN, openError: 'ENOENT' },
    'failed',
    '/dev/net/tun is missing; the project has networks with driver: tap',
  ],
  [
    'forbidden',
    { ...TUN, openError: 'EACCES' },
    'failed',
    'no permission to open /dev/net/tun; the project has networks with driver: tap',
  ],
  [
    'without the device',
    { ...TUN, taps: [{ name: 'tap7', exists: false }] },
    'failed',
    'the tap device tap7 does not exist',
  ],
  [
    'with an interface of another kind',
    { ...TUN, taps: [{ name: 'eth0', exists: true }] },
    'failed',
    'the interface eth0 is no tap device',
  ],
  [
    "with another user's device",
    { ...TUN, taps: [{ name: 'tap7', exists: true, owner: 5 }] },
    'failed',
    'the tap device tap7 is for the user with the number 5',
  ],
  [
    'with its device',
    { ...TUN, taps: [{ name: 'tap7', exists: true, owner: 1000 }] },
    'ok',
    '/dev/net/tun is usable',
  ],
] as const)('tun may be %s', (_, facts, status, detail) => {
  const check = tunCheck(facts);
  expect(check).toMatchObject({ id: 'tun', status });
  expect(check.detail).toContain(detail);
});

test('the right to make interfaces is bit 12 of the effective capabilities', () => {
  expect(hasNetAdmin('Name:\tnode\nCapEff:\t000001ffffffffff\n')).toBe(true);
  expect(hasNetAdmin('CapEff:\t0000000000001000\n')).toBe(true);
  expect(hasNetAdmin('CapEff:\t00000000a80425fb\n')).toBe(false);
  expect(hasNetAdmin('')).toBe(false);
});

const REFUSED = {
  kind: 'ended',
  code: 1,
  stdout: '',
  stderr: 'unshare failed: Operation not permitted\n',
} as const;
const NAMESPACES = {
  isNeeded: true,
  most: '15000',
  unprivileged: undefined,
  appArmor: undefined,
  attempt: REFUSED,
} as const;

test.each([
  ['allowed', { ...NAMESPACES, attempt: { ...REFUSED, code: 0 } }, 'ok', 'programs may make'],
  ['unknown', { ...NAMESPACES, attempt: { kind: 'not-started', code: 'ENOENT' } }, 'ok', 'the kernel has'],
  ['switched off', { ...NAMESPACES, most: '0' }, 'failed', 'the kernel allows no user namespaces'],
  ['unknown to the kernel', { ...NAMESPACES, most: undefined }, 'failed', 'the kernel allows no'],
  ["root's", { ...NAMESPACES, unprivileged: '0' }, 'failed', 'only root may'],
  ['for programs with a profile', { ...NAMESPACES, appArmor: '1' }, 'warning', 'AppArmor lets only'],
  [
    'refused by a container',
    NAMESPACES,
    'failed',
    'user namespaces are refused (unshare failed: Operation not permitted)',
  ],
  [
    'refused where nobody needs them',
    { ...NAMESPACES, isNeeded: false },
    'warning',
    'user namespaces are refused',
  ],
] as const)('user namespaces may be %s', (_, facts, status, detail) => {
  const check = userNamespaceCheck(facts);
  expect(check).toMatchObject({ id: 'user-namespaces', status });
  expect(check.detail).toContain(detail);
});

test('the report is one line a check with what to do below it', () => {
  const text = doctorText(
    [
      { id: 'node', status: 'ok', detail: 'Node.js 22' },
      { id: 'kvm', status: 'failed', detail: '/dev/kvm is missing', hint: 'load the module' },
    ],
    createPaint(false),
  );
  expect(text).toBe(
    'ok       node  Node.js 22\nfailed   kvm   /dev/kvm is missing\n               hint: load the module',
  );
});

const NODE = { path: '/usr/local/bin/node', version: '22.11.0' };

test.each([
  [{ kind: 'ready', program: '/c/node' }, 'ok', '/c/node is a signed copy of /usr/local/bin/node'],
  [{ kind: 'missing' }, 'warning', 'there is no signed copy of /usr/local/bin/node yet'],
  [{ kind: 'stale', reason: 'x' }, 'warning', 'the signed copy of node is out of date: x'],
  [{ kind: 'invalid', reason: 'x' }, 'failed', 'the signature of the copy does not hold: x'],
  [
    { kind: 'not-entitled' },
    'failed',
    'the signed copy of node does not carry com.apple.security.hypervisor',
  ],
  [{ kind: 'failed', reason: 'x' }, 'failed', 'node cannot be signed: x'],
] as const)('the signed copy of node may be $kind', (found, status, detail) => {
  expect(nodeCopyCheck(found, NODE)).toMatchObject({ id: 'signed-node', status, detail });
});

test.each([
  ['ok', 'ok', 'a virtual machine can be made', undefined],
  ['HV_DENIED', 'failed', 'Hypervisor.framework refuses a virtual machine: HV_DENIED', /entitlement/],
  [
    'HV_NO_RESOURCES',
    'failed',
    'Hypervisor.framework refuses a virtual machine: HV_NO_RESOURCES',
    /address spaces/,
  ],
] as const)('Hypervisor.framework may answer %s', (answer, status, detail, hint) => {
  const check = hypervisorAnswerCheck({ kind: 'ended', code: 0, stdout: `${answer}\n`, stderr: '' });
  expect(check).toMatchObject({ id: 'hv-vm-create', status, detail });
  if (hint) expect(check.hint).toMatch(hint);
});

test('a copy that macOS ends is told', () => {
  const check = hypervisorAnswerCheck({ kind: 'killed', signal: 'SIGKILL', stderr: '' });
  expect(check.detail).toBe('the signed copy of node does not run: ended by SIGKILL');
});
