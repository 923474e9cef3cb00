import type { HostFacts } from '../../../src/project/host-facts.ts';
import type { Attachment, Project } from '../../../src/project/project.ts';
import { LINUX_HOST } from '../../support/host-facts.ts';
import { resolveText } from './support.ts';

/** Machines with these keys beside root and command; `networks` is the file's. */
export function file(machines: Readonly<Record<string, string>>, networks = ''): string {
  const lines = Object.entries(machines).map(
    ([name, keys]) => `  ${name}: { root: ./r, command: [x]${keys === '' ? '' : `, ${keys}`} }\n`,
  );
  return `machines:\n${lines.join('')}${networks === '' ? '' : `networks: { ${networks} }\n`}`;
}

/** The project of a file in which nothing is wrong. */
export function valid(text: string, host: HostFacts = LINUX_HOST): Project {
  const { project, text: told } = resolveText(text, { host });
  if (!project) throw new Error(`the project is not valid:${told}`);
  return project;
}

/** What a machine of a project has of networks. */
export function attachments(project: Project, machine: string): readonly Attachment[] {
  return project.machines[machine]?.networks ?? [];
}
