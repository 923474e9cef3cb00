import { networkLsJson, networkTable } from '../../view/network-ls.ts';
import { type Context, print, tell } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { seeNetworks } from '../networks.ts';
import { locateProject } from '../project.ts';
import { readRecords } from '../records.ts';

export interface NetworkLsArgs {
  readonly quiet?: boolean;
  readonly format: 'table' | 'json';
}

/** `krun network ls`: from records, and from the network processes as far as they answer. */
export async function run(context: Context, args: NetworkLsArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const records = await readRecords(context, layout.value);
  if (!records.ok) return records.error;
  const networks = await seeNetworks(layout.value, records.value);
  if (args.quiet) for (const { name } of networks) print(context, name);
  else if (args.format === 'json') for (const network of networks) print(context, networkLsJson(network));
  else {
    print(context, networkTable(networks, context.stdout.columns));
    if (networks.length === 0) tell(context, 'no machine is on a network (krun up creates machines)');
  }
  return EXIT.ok;
}
