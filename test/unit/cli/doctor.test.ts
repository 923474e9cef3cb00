import { expect, test } from 'vitest';
import { entitlementCheck } from '../../../src/cli/doctor/entitlement.ts';
import { checkNode } from '../../../src/cli/doctor/surroundings.ts';
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

test('the entitlement counts only when it is true', () => {
  const plist = (value: string): string =>
    `<dict><key>com.apple.security.hypervisor</key><${value}/><key>other</key><true/></dict>`;
  expect(entitlementCheck('/bin/node', plist('true')).status).toBe('ok');
  expect(entitlementCheck('/bin/node', plist('false')).status).toBe('failed');
  expect(entitlementCheck('/bin/node', '').status).toBe('failed');
});

test.each([
  ['18.20.0', 'failed'],
  ['20.18.9', 'failed'],
  ['20.19.0', 'ok'],
  ['22.0.0', 'ok'],
])('Node.js %s is %s', (version, status) => {
  expect(checkNode(version).status).toBe(status);
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
