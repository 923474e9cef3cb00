const PASSED =
  /^(PATH|HOME|TMPDIR|LANG|XDG_[A-Z_]+|KRUN_(LIBKRUN(FW)?|GVPROXY|PASST|VMNET_HELPER)|FAKE_KRUN_[A-Z_]+)$/;

/** What the process of a machine, or of a network, gets of the environment: no secret of the user's shell, no NODE_OPTIONS. */
export function machineEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && PASSED.test(name)) passed[name] = value;
  }
  return passed;
}
