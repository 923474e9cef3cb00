import type { HostFacts } from '../../src/project/host-facts.ts';
import { helperInstallHint } from '../../src/project/helpers.ts';
import type { HelperName } from '../../src/project/project.ts';

/** A Linux host, seen by a user, on which these helpers are installed. */
export function hostWith(helpers: readonly HelperName[], more: Partial<HostFacts> = {}): HostFacts {
  const system = { platform: more.platform ?? 'linux', distribution: 'debian', release: '13' };
  const finding = (name: HelperName): HostFacts['helpers'][HelperName] =>
    helpers.includes(name)
      ? { kind: 'found' }
      : { kind: 'missing', message: `${name} is not installed`, hint: helperInstallHint(name, system) };
  return {
    platform: 'linux',
    helpers: {
      gvproxy: finding('gvproxy'),
      passt: finding('passt'),
      'vmnet-helper': finding('vmnet-helper'),
    },
    firstOpenPort: 1024,
    ...more,
  };
}

/** A Linux host with everything that krun can use there. */
export const LINUX_HOST: HostFacts = hostWith(['gvproxy', 'passt']);
/** A Linux host on which no helper is installed. */
export const BARE_HOST: HostFacts = hostWith([]);
/** A Mac with everything that krun can use there. */
export const MAC_HOST: HostFacts = hostWith(['gvproxy', 'vmnet-helper'], { platform: 'darwin' });
