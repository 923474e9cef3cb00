import { nearest } from '../../base/text.ts';
import { isActive } from '../../plan/machine-state.ts';
import { byGuestEnd, guestEnd, portJson, portTable, type PublishedPort } from '../../view/port.ts';
import { hostEnd, publishedPorts } from '../../view/ports.ts';
import type { MachineRecord } from '../../store/records.ts';
import type { PortTarget } from '../arguments.ts';
import { type Context, print, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { selectRecords } from '../machine-names.ts';
import { locateProject } from '../project.ts';
import { readRecords } from '../records.ts';

export interface PortArgs {
  readonly machine?: string;
  readonly port?: PortTarget;
  readonly protocol?: 'tcp' | 'udp';
  readonly format: 'text' | 'json';
}

/** `krun port`: where published ports are, from records only. */
export async function run(context: Context, args: PortArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const records = await readRecords(context, layout.value);
  if (!records.ok) return records.error;
  const chosen = selectRecords(context, records.value, args.machine === undefined ? [] : [args.machine]);
  if (!chosen.ok) return chosen.error;
  const published = chosen.value.flatMap((record) =>
    publishedPorts(record)
      .toSorted(byGuestEnd)
      .map((port) => ({ machine: record.machine, port })),
  );
  const found = published.filter((each) => isMeant(each, args));
  if (found.length === 0) return tellNone(context, args, chosen.value, published);
  if (args.format === 'json') for (const each of found) print(context, portJson(each));
  else if (args.port !== undefined) for (const { port } of found) print(context, hostEnd(port));
  else print(context, portTable(found, context.stdout.columns));
  return EXIT.ok;
}

function isMeant({ port }: PublishedPort, args: PortArgs): boolean {
  if (args.port === undefined) return args.protocol === undefined || port.protocol === args.protocol;
  if ('name' in args.port) return port.name === args.port.name;
  // As in compose: a bare number means tcp.
  const protocol = args.port.protocol ?? args.protocol ?? 'tcp';
  return port.guest === args.port.guest && port.protocol === protocol;
}

function tellNone(
  context: Context,
  args: PortArgs,
  records: readonly MachineRecord[],
  published: readonly PublishedPort[],
): ExitCode {
  const [record] = records;
  if (args.machine === undefined || record === undefined) {
    const hint = records.some(({ state }) => isActive(state))
      ? 'ports: in krun.yaml publishes some'
      : 'no machine runs; krun up starts them';
    tellError(context, 'no port is published', hint);
  } else if (!isActive(record.state)) {
    const hint = `krun start ${record.machine} publishes its ports`;
    tellError(context, `${record.machine} does not run, so none of its ports is published`, hint);
  } else {
    const { message, hint } = notPublished(args, record, published);
    tellError(context, message, hint);
  }
  return EXIT.failure;
}

function notPublished(
  { port, protocol }: PortArgs,
  { machine }: MachineRecord,
  published: readonly PublishedPort[],
): { readonly message: string; readonly hint: string } {
  const known = published.map((each) => each.port);
  const names = known.flatMap(({ name }) => name ?? []);
  const all = known.length === 0 ? 'it publishes none' : `it publishes ${known.map(guestEnd).join(', ')}`;
  if (port === undefined) {
    const message = `${machine} publishes no ${protocol === undefined ? '' : `${protocol} `}port`;
    return { message, hint: known.length === 0 ? 'ports: in krun.yaml publishes some' : all };
  }
  if ('guest' in port) {
    const wanted = `${port.guest}/${port.protocol ?? protocol ?? 'tcp'}`;
    return { message: `${machine} does not publish ${wanted}`, hint: all };
  }
  const close = nearest(port.name, names);
  const hint =
    close !== undefined ? `did you mean ${close}?` : names.length > 0 ? `names: ${names.join(', ')}` : all;
  return { message: `${machine} publishes no port named ${port.name}`, hint };
}
