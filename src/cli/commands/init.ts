import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../../host/errno.ts';
import { type Context, print, tell, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { starterFiles, starterName } from '../starter.ts';

export interface InitArgs {
  readonly force?: boolean;
}

/** `krun init`: a project that runs as it is. */
export async function run(context: Context, args: InitArgs): Promise<ExitCode> {
  const directory = path.resolve(context.cwd, context.global.projectDirectory ?? '.');
  const name = context.global.projectName ?? starterName(path.basename(directory));
  await mkdir(directory, { recursive: true });
  for (const file of starterFiles(name)) {
    const target = path.join(directory, file.name);
    try {
      await writeFile(target, file.text, { flag: args.force ? 'w' : 'wx' });
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw error;
      if (code === 'EEXIST') tellError(context, `${target} exists`, 'krun init --force overwrites it');
      else tellError(context, `cannot write ${target}: ${code}`);
      return EXIT.failure;
    }
    if (file.executable) await chmod(target, 0o755);
    tell(context, `wrote ${file.name}`);
  }
  print(context, nextSteps(path.relative(context.cwd, directory)));
  return EXIT.ok;
}

function nextSteps(directory: string): string {
  const enter = directory === '' ? '' : `  cd ${directory}\n`;
  return `Next:\n${enter}  krun doctor     is everything here that a microVM needs?\n  krun up         build the root, boot the machine, follow its output\n`;
}
