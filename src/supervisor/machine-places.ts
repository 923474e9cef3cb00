import { clearMachinePlaces } from '../machine/host-places.ts';
import type { Machine } from '../project/project.ts';
import type { Layout } from '../store/layout.ts';
import { describeFailure } from './failure.ts';

interface PlacesContext {
  readonly layout: Layout;
  readonly warn: (message: string) => void;
}

/** Removes the sockets and links that a machine which has ended had at the user's paths; never rejects. */
export async function clearPlaces(definition: Machine, { layout, warn }: PlacesContext): Promise<void> {
  try {
    await clearMachinePlaces(definition, layout);
  } catch (error) {
    warn(describeFailure(error).message);
  }
}
