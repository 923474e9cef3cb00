/** Without it Hypervisor.framework makes no virtual machine: `hv_vm_create` says HV_DENIED. */
export const HYPERVISOR = 'com.apple.security.hypervisor';

/** Those of the official node (tools/osx-entitlements.plist of Node.js), and the one for virtual machines. */
const ENTITLEMENTS = [
  'com.apple.security.cs.allow-jit',
  'com.apple.security.cs.allow-unsigned-executable-memory',
  'com.apple.security.cs.disable-executable-page-protection',
  'com.apple.security.cs.allow-dyld-environment-variables',
  'com.apple.security.cs.disable-library-validation',
  HYPERVISOR,
];

/** The file that `codesign --entitlements` reads. */
export const ENTITLEMENTS_PLIST: string = [
  '<?xml version="1.0" encoding="UTF-8"?>',
  '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
  '<plist version="1.0">',
  '<dict>',
  ...ENTITLEMENTS.flatMap((name) => [`  <key>${name}</key>`, '  <true/>']),
  '</dict>',
  '</plist>',
  '',
].join('\n');

/** Whether what `codesign -d --entitlements - --xml` prints lets a program make virtual machines. */
export function carriesHypervisor(plist: string): boolean {
  return new RegExp(`<key>${HYPERVISOR.replaceAll('.', String.raw`\.`)}</key>\\s*<true\\s*/>`).test(plist);
}
