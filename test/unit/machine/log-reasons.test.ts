import { expect, test } from 'vitest';
import { explainLog } from '../../../src/machine/log-reasons.ts';

const REFUSED = '[ERROR krun] Building the microVM failed: Internal(Vm(VmSetup(VmCreate)))\n';

test.each([
  ['HV_DENIED', /lacks com\.apple\.security\.hypervisor \(HV_DENIED\)/, /doctor --fix/],
  ['HV_NO_RESOURCES', /no room for a further virtual machine/, /kern\.hv\.max_address_spaces/],
  ['HV_UNSUPPORTED', /cannot do here what the machine asks for/, /nested/],
  ['HV_BUSY', /refused to create a virtual machine \(HV_BUSY\)/, /krun doctor/],
])('what Hypervisor.framework says is told: %s', (answer, reason, hint) => {
  const found = explainLog(`${REFUSED}hv_vm_create: ${answer}\n`);
  expect(found?.reason).toMatch(reason);
  expect(found?.hint).toMatch(hint);
});

test('without its answer the entitlement is the most likely cause', () => {
  expect(explainLog(REFUSED)?.hint).toContain('com.apple.security.hypervisor');
});
