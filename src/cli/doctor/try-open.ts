import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf } from '../../host/errno.ts';

/** Code of the error of opening a device for reading and writing, or undefined where it opens. */
export async function tryOpen(path: string): Promise<string | undefined> {
  try {
    await (await open(path, constants.O_RDWR)).close();
    return undefined;
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    return code;
  }
}
