import { isActive } from './machine-state.ts';
import type { Decision } from './decision.ts';
import { portKeys } from './handover.ts';
import type { PlanBuilder } from './plan-builder.ts';

/** A machine whose record is updated. */
export type UpdateItem = readonly [machine: string, decision: Decision];

/**
 * Updates in an order in which a machine gives a port of the host away before another one takes it. Ports that go round
 * in a circle are refused: there is no moment at which one of them is free.
 */
export function orderUpdates(items: readonly UpdateItem[], builder: PlanBuilder): readonly UpdateItem[] {
  const givers = new Map(items.flatMap((item) => givenPorts(item).map((port) => [port, item] as const)));
  const ordered = new Set<UpdateItem>();
  const open: UpdateItem[] = [];
  const visit = (item: UpdateItem): void => {
    if (ordered.has(item)) return;
    if (open.includes(item)) return refuseCircle(open.slice(open.indexOf(item)), builder);
    open.push(item);
    for (const port of takenPorts(item)) {
      const giver = givers.get(port);
      if (giver && giver !== item) visit(giver);
    }
    open.pop();
    ordered.add(item);
  };
  for (const item of items) visit(item);
  return [...ordered];
}

function refuseCircle(circle: readonly UpdateItem[], builder: PlanBuilder): void {
  const names = circle.map(([machine]) => machine).toSorted();
  builder.refuse(
    `machines ${names.join(' and ')} exchange ports of the host, of which none is free in between: ` +
      `stop ${names[0]} first (krun stop ${names[0]})`,
  );
}

function givenPorts([, { before, definition }]: UpdateItem): readonly string[] {
  if (!before || !isActive(before.state)) return [];
  const kept = new Set(portKeys(definition));
  return portKeys(before.definition).filter((port) => !kept.has(port));
}

function takenPorts([, { before, definition }]: UpdateItem): readonly string[] {
  if (!before || !isActive(before.state)) return [];
  const had = new Set(portKeys(before.definition));
  return portKeys(definition).filter((port) => !had.has(port));
}
