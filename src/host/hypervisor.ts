import { koffi } from './koffi.ts';

const FRAMEWORK = '/System/Library/Frameworks/Hypervisor.framework/Hypervisor';

/** hv_return_t of Hypervisor/hv_error.h. */
const ANSWERS: Readonly<Record<number, string>> = {
  0xfae94001: 'HV_ERROR',
  0xfae94002: 'HV_BUSY',
  0xfae94003: 'HV_BAD_ARGUMENT',
  0xfae94005: 'HV_NO_RESOURCES',
  0xfae94006: 'HV_NO_DEVICE',
  0xfae94007: 'HV_DENIED',
  0xfae9400f: 'HV_UNSUPPORTED',
};

/** What Hypervisor.framework calls its answer: `HV_DENIED`, or its number in hexadecimal. */
export function hypervisorAnswer(code: number): string {
  const unsigned = code >>> 0;
  return ANSWERS[unsigned] ?? `0x${unsigned.toString(16)}`;
}

/**
 * What is known of a machine that libkrun did not start: its log, which does not tell why Hypervisor.framework made no
 * virtual machine, and what that says when it is asked again (macOS). Without a log it is asked in any case.
 */
export function withHypervisorAnswer(log: string | undefined): string {
  if (process.platform !== 'darwin' || log?.includes('VmCreate') === false) return log ?? '';
  const answer = hypervisorRefusal();
  // Busy: the process has a virtual machine, so something else failed.
  return answer === undefined || answer === 'HV_BUSY'
    ? (log ?? '')
    : `${log ?? ''}\nhv_vm_create: ${answer}\n`;
}

/**
 * Makes an empty virtual machine in this process and gives it back (macOS). Undefined where that works; otherwise what
 * Hypervisor.framework says, which libkrun does not pass on.
 */
export function hypervisorRefusal(): string | undefined {
  const framework = koffi().load(FRAMEWORK);
  const create = framework.func('int hv_vm_create(void *config)') as (config: null) => number;
  const code = create(null);
  if (code !== 0) return hypervisorAnswer(code);
  (framework.func('int hv_vm_destroy()') as () => number)();
  return undefined;
}
