import path from 'node:path';
import type { Layout } from '../store/layout.ts';

/** `-p NAME`, as the state directory's place says it. */
export function nameOption(layout: Layout): readonly string[] {
  const isDefault = layout.stateDirectory === path.join(layout.projectDirectory, '.krun');
  return isDefault ? [] : ['-p', path.basename(layout.stateDirectory)];
}
