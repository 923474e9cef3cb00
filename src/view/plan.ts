import type { Action, Plan, PlanNode } from '../plan/action.ts';
import { formatSize } from '../project/units.ts';
import type { Paint, StyleName } from './style.ts';

type Change =
  | 'create'
  | 'recreate'
  | 'rebuild'
  | 'restart'
  | 'update'
  | 'start'
  | 'wait'
  | 'kill'
  | 'stop'
  | 'remove';

interface ChangeLook {
  readonly sign: string;
  readonly style: StyleName;
}

/** In the order of the groups. */
const LOOKS: Readonly<Record<Change, ChangeLook>> = {
  create: { sign: '+', style: 'green' },
  recreate: { sign: '~', style: 'yellow' },
  rebuild: { sign: '~', style: 'yellow' },
  restart: { sign: '~', style: 'yellow' },
  update: { sign: '~', style: 'cyan' },
  start: { sign: '>', style: 'green' },
  wait: { sign: '.', style: 'dim' },
  kill: { sign: '!', style: 'red' },
  stop: { sign: '-', style: 'red' },
  remove: { sign: '-', style: 'red' },
};

/** Everything that a plan does to one machine or disk. */
interface Subject {
  readonly name: string;
  readonly change: Change;
  readonly causes: readonly string[];
}

/** A plan for people: one line for each machine and disk, grouped by what happens to it, and a count at the end. */
export function renderPlan(plan: Plan, paint: Paint): string {
  const errors = (plan.errors ?? []).map((error) => `${paint('red', 'error')}: ${error}`);
  const notes = plan.notes.map((note) => `${paint('dim', 'note')}: ${note}`);
  const subjects = subjectsOf(plan.nodes);
  const nameWidth = Math.max(0, ...subjects.map(({ name }) => name.length));
  const lines = subjects.map(({ name, change, causes }) => {
    const { sign, style } = LOOKS[change];
    const head = `${sign} ${name.padEnd(nameWidth)}  ${change.padEnd(8)}`;
    return `${paint(style, head)}  ${causes.join('; ')}`;
  });
  if (errors.length > 0) return [...errors, ...notes].join('\n');
  if (subjects.length === 0) return ['Nothing to do.', ...notes].join('\n');
  return [...lines, ...notes, paint('bold', summary(subjects))].join('\n');
}

function summary(subjects: readonly Subject[]): string {
  const counts = CHANGES.flatMap((change) => {
    const count = subjects.filter((subject) => subject.change === change).length;
    return count === 0 ? [] : [`${count} to ${change}`];
  });
  return `Plan: ${counts.join(', ')}.`;
}

const CHANGES = Object.keys(LOOKS) as readonly Change[];

function subjectsOf(nodes: readonly PlanNode[]): readonly Subject[] {
  const bySubject = new Map<string, PlanNode[]>();
  for (const node of nodes) {
    const name = subjectName(node.action);
    const known = bySubject.get(name);
    if (known) known.push(node);
    else bySubject.set(name, [node]);
  }
  const subjects = [...bySubject].map(([name, own]) => ({
    name,
    change: changeOf(new Set(own.map(({ action }) => action.type))),
    causes: causesOf(own),
  }));
  const rank = (subject: Subject): number => CHANGES.indexOf(subject.change);
  return subjects.toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

function subjectName(action: Action): string {
  switch (action.type) {
    case 'create-disk':
    case 'grow-disk':
      return `disk ${action.disk.name}`;
    case 'remove-disk':
      return `disk ${action.name}`;
    default:
      return action.machine;
  }
}

/** What several actions on one thing amount to. */
function changeOf(types: ReadonlySet<Action['type']>): Change {
  if (types.has('remove')) return types.has('create') ? 'recreate' : 'remove';
  if (types.has('create') || types.has('create-disk')) return 'create';
  if (types.has('remove-disk')) return 'remove';
  if (types.has('build')) return 'rebuild';
  if (types.has('stop')) return types.has('start') ? 'restart' : 'stop';
  if (types.has('update') || types.has('grow-disk')) return 'update';
  if (types.has('start')) return 'start';
  return types.has('kill') ? 'kill' : 'wait';
}

/** Each cause once; a wait explains itself, unless it is all there is. */
function causesOf(nodes: readonly PlanNode[]): readonly string[] {
  const told = nodes.filter(({ action }) => action.type !== 'wait');
  const causes = (told.length > 0 ? told : nodes).map(({ action, cause }) => cause + detail(action));
  return [...new Set(causes)];
}

function detail(action: Action): string {
  switch (action.type) {
    case 'create-disk':
      return `, ${formatSize(action.disk.sizeBytes)} ${action.disk.format}`;
    case 'kill':
      return `, ${action.signal}`;
    default:
      return '';
  }
}
