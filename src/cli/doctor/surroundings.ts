import { access, constants, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../../host/errno.ts';
import { checkPrivateDirectory } from '../../store/directories.ts';
import { dataDirectory, projectLayout } from '../../store/layout.ts';
import type { Check, DoctorHost } from './check.ts';

/** Node's version against the oldest supported one. */
export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    const hint = 'Install Node.js 22 or newer';
    return { id: 'node', status: 'failed', detail: `Node.js ${version} is older than 20.19`, hint };
  }
  return { id: 'node', status: 'ok', detail: `Node.js ${version}` };
}

/** Directory of the sockets: private, and with a path short enough. */
export async function checkRuntimeDirectory(host: DoctorHost, uid: number): Promise<Check> {
  const directory = path.dirname(projectLayout('/', undefined, host.env, uid).runtimeDirectory);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    const hint = 'Set XDG_RUNTIME_DIR to a directory that you can write';
    return { id: 'runtime-directory', status: 'failed', detail: `cannot create ${directory}: ${code}`, hint };
  }
  const problem = await checkPrivateDirectory(directory, uid);
  if (problem === undefined) return { id: 'runtime-directory', status: 'ok', detail: directory };
  const { message, hint } = problem;
  return { id: 'runtime-directory', status: 'failed', detail: message, ...(hint !== undefined && { hint }) };
}

/** Directory of the project index. */
export async function checkDataDirectory(host: DoctorHost): Promise<Check> {
  const directory = dataDirectory(host.env);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await access(directory, constants.W_OK);
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    const hint = 'Set XDG_DATA_HOME to a directory that you can write';
    return { id: 'data-directory', status: 'failed', detail: `cannot write ${directory}: ${code}`, hint };
  }
  return { id: 'data-directory', status: 'ok', detail: directory };
}
