import { errorDiagnostic, type Diagnostic, type Span } from '../base/diagnostic.ts';
import type { DiskAttachment, FileGrant, HelperPaths, Machine, Project } from '../project/project.ts';
import { keySpan, treeAt } from '../source/locate.ts';
import type { MapTree } from '../source/tree.ts';
import type { FileAccess, FileKind } from './file-access.ts';
import { bootClaims } from './boot-paths.ts';
import { deviceClaims } from './device-paths.ts';
import { child } from './normalize.ts';
import { itemSpan, type Claim } from './path-claim.ts';
import { shownPath } from './read.ts';

/** What a resolved project needs of the file system and does not find there. */
export async function checkPaths(project: Project, tree: MapTree, files: FileAccess): Promise<Diagnostic[]> {
  const claims = [
    ...libkrunClaims(project, tree),
    ...helperClaims(project, tree),
    ...Object.values(project.machines).flatMap((machine) => machineClaims(machine, project, tree)),
  ];
  const diagnostics = new Map<string, Diagnostic>();
  for (const claim of claims) {
    const shown = shownPath(claim.path, project.directory);
    const problem =
      problemOf(claim, shown, await files.kindOf(claim.path)) ?? (await modeProblem(claim, shown, files));
    const diagnostic = problem && errorDiagnostic('path', problem.message, { ...problem, span: claim.span });
    // A value that an anchor or `extends` carried to several machines is told once.
    if (diagnostic) diagnostics.set(`${claim.span.file}:${claim.span.start}:${problem.message}`, diagnostic);
  }
  return [...diagnostics.values()];
}

function problemOf(
  claim: Claim,
  shown: string,
  kind: FileKind,
): { message: string; hint?: string } | undefined {
  const hint = claim.hint === undefined ? {} : { hint: claim.hint };
  if (kind === 'missing') {
    return claim.mayBeMissing ? undefined : { message: `${claim.what} \`${shown}\` does not exist`, ...hint };
  }
  if (claim.kind === 'directory' && kind !== 'directory') {
    return { message: `${claim.what} \`${shown}\` is not a directory` };
  }
  // `other` may be a block device, which is as good as a file.
  if ((claim.kind === 'file' || claim.kind === 'program') && kind === 'directory') {
    return { message: `${claim.what} \`${shown}\` is a directory, not a file` };
  }
  return undefined;
}

/** A file that cannot be run would be taken for one that is not there. */
async function modeProblem(
  claim: Claim,
  shown: string,
  files: FileAccess,
): Promise<{ message: string; hint: string } | undefined> {
  if (claim.kind !== 'program' || (await files.isExecutable(claim.path))) return undefined;
  return {
    message: `${claim.what} \`${shown}\` is not executable`,
    hint: `run \`chmod +x ${shown}\`, or correct the path`,
  };
}

function libkrunClaims(project: Project, tree: MapTree): Claim[] {
  const { library, kernelBundle } = project.libkrun;
  const claim = (file: string | undefined, key: string, what: string): Claim[] => {
    const written = treeAt(tree, ['libkrun', key]);
    if (file === undefined || !written) return [];
    return [{ path: file, span: written.span, what, kind: 'file', mayBeMissing: false }];
  };
  return [...claim(library, 'library', 'library'), ...claim(kernelBundle, 'kernel_bundle', 'kernel bundle')];
}

/** Programs that the file names for drivers which its networks have. */
function helperClaims(project: Project, tree: MapTree): Claim[] {
  // All machines have them alike.
  const helpers: HelperPaths = Object.values(project.machines)[0]?.helpers ?? {};
  const drivers = new Set(Object.values(project.networks).map(({ driver }) => driver));
  return HELPER_DRIVERS.flatMap(([name, driver]): Claim[] => {
    const path = helpers[name];
    const written = treeAt(tree, ['helpers', name]);
    if (path === undefined || !written || !drivers.has(driver)) return [];
    const hint = `correct the path, or remove it and krun looks in PATH and where packages put ${name}`;
    return [{ path, span: written.span, what: 'program', kind: 'program', mayBeMissing: false, hint }];
  });
}

const HELPER_DRIVERS = [
  ['gvproxy', 'gvproxy'],
  ['passt', 'passt'],
  ['vmnet-helper', 'vmnet'],
] as const;

function machineClaims(machine: Machine, project: Project, tree: MapTree): Claim[] {
  const at = treeAt(tree, ['machines', machine.name]);
  const fallback = keySpan(tree, ['machines', machine.name]);
  const mayBeMissing = machine.build !== undefined;
  const claims: Claim[] = [];
  const root = child(at, 'root');
  if (machine.root.kind === 'directory') {
    claims.push({
      path: machine.root.path,
      span: (child(root, 'path') ?? root)?.span ?? fallback,
      what: 'root directory',
      kind: 'directory',
      mayBeMissing,
      hint: 'make it, or say with `build:` what makes it',
    });
  } else if (machine.root.kind === 'disk') {
    const written = child(root, 'disk');
    const span = (child(written, 'source') ?? written)?.span ?? fallback;
    claims.push(...diskClaim(machine.root.disk, span, mayBeMissing));
  }
  for (const disk of machine.disks) {
    const span = itemSpan(child(at, 'disks'), 'source', project.directory, filePath(disk)) ?? fallback;
    claims.push(...diskClaim(disk, span, mayBeMissing));
  }
  for (const { source } of machine.shares) {
    const span = itemSpan(child(at, 'shares'), 'source', project.directory, source) ?? fallback;
    claims.push({ path: source, span, what: 'shared directory', kind: 'directory', mayBeMissing: false });
  }
  if (machine.build) {
    const span = (child(child(at, 'build'), 'directory') ?? child(at, 'build'))?.span ?? fallback;
    const { directory } = machine.build;
    claims.push({ path: directory, span, what: 'build directory', kind: 'directory', mayBeMissing: false });
  }
  const more = { directory: project.directory, fallback };
  claims.push(...bootClaims(machine, at, more), ...deviceClaims(machine, at, more));
  return [...claims, ...grantClaims(machine, tree), ...watchClaims(machine, tree)];
}

/** Files of the secrets and configs that a machine gets. */
function grantClaims({ secrets, configs }: Machine, tree: MapTree): Claim[] {
  const claim = (kind: 'secrets' | 'configs', { name, source }: FileGrant): Claim[] => {
    if (source.kind !== 'file') return [];
    const span = treeAt(tree, [kind, name, 'file'])?.span ?? keySpan(tree, [kind, name]);
    const what = `${kind.slice(0, -1)} file`;
    return [{ path: source.path, span, what, kind: 'file', mayBeMissing: false }];
  };
  return [
    ...secrets.flatMap((grant) => claim('secrets', grant)),
    ...configs.flatMap((grant) => claim('configs', grant)),
  ];
}

/** Rules are in the order of the file. */
function watchClaims({ name, watch }: Machine, tree: MapTree): Claim[] {
  return watch.map(({ path: watched }, index) => {
    const at = ['machines', name, 'develop', 'watch', index, 'path'];
    const span = treeAt(tree, at)?.span ?? keySpan(tree, ['machines', name]);
    return { path: watched, span, what: 'watched path', kind: 'any', mayBeMissing: false };
  });
}

function diskClaim(disk: DiskAttachment, span: Span, mayBeMissing: boolean): Claim[] {
  const file = filePath(disk);
  return file === undefined ? [] : [{ path: file, span, what: 'disk image', kind: 'file', mayBeMissing }];
}

function filePath(disk: DiskAttachment): string | undefined {
  return disk.source.kind === 'file' ? disk.source.path : undefined;
}
