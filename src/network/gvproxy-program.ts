import { err, ok, type Result } from '../base/result.ts';
import { findHelper, helperVersion, missingHelper } from '../host/helpers.ts';
import { GVPROXY_WITH_SUBNETS, helperInstallHint, helperVersionProblem } from '../project/helpers.ts';
import { thisSystem } from '../host/helpers.ts';
import type { HelperPaths } from '../project/project.ts';
import type { Refusal } from './api.ts';
import { needsConfig, type GvproxySettings } from './gvproxy-command.ts';
import { formatSubnet } from '../base/ipv4.ts';

export interface FoundGvproxy {
  readonly path: string;
  /** As it says itself; the text where that is no number. */
  readonly version: string;
}

/** Finds a gvproxy that can be what the settings ask for. */
export async function findGvproxy(
  helpers: HelperPaths,
  settings: GvproxySettings,
): Promise<Result<FoundGvproxy, Refusal>> {
  const search = findHelper('gvproxy', helpers, process.env);
  if (search?.kind !== 'found') return err(missingHelper('gvproxy', search));
  const said = await helperVersion('gvproxy', search.path);
  const problem = helperVersionProblem('gvproxy', said.version);
  if (problem !== undefined) {
    return err({ message: `${problem} (${search.path})`, hint: helperInstallHint('gvproxy', thisSystem()) });
  }
  const version = said.version ?? said.text;
  if (needsConfig(settings) && said.configFile === false) {
    return err({
      message: `gvproxy ${version} (${search.path}) cannot have the subnet ${formatSubnet(settings.subnet)}`,
      hint: `install gvproxy ${GVPROXY_WITH_SUBNETS} or newer, or leave the subnet out: 192.168.127.0/24 always works`,
    });
  }
  return ok({ path: search.path, version });
}
