import { quotedList } from '../../base/text.ts';
import {
  findHelper,
  helperVersion,
  missingHelper,
  thisSystem,
  type HelperVersion,
} from '../../host/helpers.ts';
import {
  GVPROXY_WITH_SUBNETS,
  HELPERS,
  helperInstallHint,
  helperVersionProblem,
} from '../../project/helpers.ts';
import type { HelperName } from '../../project/project.ts';
import type { Check, DoctorHost } from './check.ts';
import { DRIVER_OF, type NetworkNeeds, networksWith } from './network-needs.ts';

/** The subnet that gvproxy has without a configuration file. */
const OWN_SUBNET = '192.168.127.0/24';

/** The programs that carry networks, as far as this system can have them. */
export async function checkNetworkHelpers(host: DoctorHost, needs: NetworkNeeds): Promise<readonly Check[]> {
  const names = (Object.keys(HELPERS) as readonly HelperName[]).filter((name) =>
    HELPERS[name].platforms.includes(host.platform),
  );
  return Promise.all(names.map((name) => checkHelper(name, host, needs)));
}

async function checkHelper(name: HelperName, host: DoctorHost, needs: NetworkNeeds): Promise<Check> {
  const users = networksWith(needs, DRIVER_OF[name]);
  const search = findHelper(name, needs.configured, host.env, host.platform);
  if (search?.kind !== 'found') {
    const { message, hint } = missingHelper(name, search);
    const forWhat = users.length === 0 ? `needed for ${HELPERS[name].purpose}` : neededBy(users);
    const status = users.length > 0 ? 'failed' : search ? 'warning' : 'missing';
    return { id: name, status, detail: `${message}; ${forWhat}`, hint };
  }
  const version = await helperVersion(name, search.path);
  const place = search.source === 'PATH' ? '' : `, from ${SOURCES[search.source]}`;
  const problem = helperVersionProblem(name, version.version) ?? subnetProblem(name, version, needs);
  return helperCheck(name, {
    users,
    found: `${search.path} (${version.version ?? version.text}${place})`,
    problem,
  });
}

const SOURCES = {
  'krun.yaml': 'krun.yaml',
  environment: 'the environment',
  'usual place': 'a usual place',
} as const;

/** What was found out about a helper that is there. */
export interface HelperFinding {
  /** Networks of the project that need it. */
  readonly users: readonly string[];
  readonly found: string;
  readonly problem: string | undefined;
}

export function helperCheck(name: HelperName, { users, found, problem }: HelperFinding): Check {
  if (problem === undefined) {
    return { id: name, status: 'ok', detail: users.length > 0 ? `${found}; ${neededBy(users)}` : found };
  }
  return {
    id: name,
    status: users.length > 0 ? 'failed' : 'warning',
    detail: `${found}: ${problem}${users.length > 0 ? `; ${neededBy(users)}` : ''}`,
    hint: helperInstallHint(name, thisSystem()),
  };
}

/** An older gvproxy has one subnet, and the project may want another. */
function subnetProblem(
  name: HelperName,
  { configFile }: HelperVersion,
  { networks }: NetworkNeeds,
): string | undefined {
  if (name !== 'gvproxy' || configFile !== false) return undefined;
  const others = networks.flatMap((network) =>
    network.driver === 'gvproxy' && network.subnet !== OWN_SUBNET ? [network.subnet] : [],
  );
  if (others.length === 0) return undefined;
  return `it knows the subnet ${OWN_SUBNET} only, and the project has ${quotedList(others, 'and')}; ${GVPROXY_WITH_SUBNETS} is needed`;
}

function neededBy(networks: readonly string[]): string {
  const plural = networks.length > 1;
  return `network${plural ? 's' : ''} ${quotedList(networks, 'and')} need${plural ? '' : 's'} it`;
}
