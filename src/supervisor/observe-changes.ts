import type { Observed } from '../plan/observed.ts';
import type { Layout } from '../store/layout.ts';
import { staleBuilds } from './build-inputs.ts';
import { GrantContents } from './grant-contents.ts';
import type { Wanted } from './observe.ts';

/** What has changed beside the definitions: inputs of builds, and what secrets and configs hold. */
export async function observeChanges(
  layout: Layout,
  { project, grantValues = {}, grants = new GrantContents(layout.grantsFile) }: Wanted,
): Promise<Pick<Observed, 'staleBuilds' | 'changedGrants'>> {
  return {
    staleBuilds: await staleBuilds(layout, project),
    changedGrants: await grants.changed(Object.values(project.machines), grantValues),
  };
}
