import type { MachineConfig, RootConfig, Words } from '../config/schema.gen.ts';
import { isSelfBooting } from './has-agent.ts';
import type { Place } from './place.ts';
import { splitWords } from './words.ts';

/** Words of a command in either form; mistakes are reported and give no words. */
export function resolveWords(value: Words | undefined, at: Place): readonly string[] {
  if (value === undefined || Array.isArray(value)) return value ?? [];
  const words = splitWords(value);
  if (words.ok) return words.value;
  at.error('invalid-value', words.error, {
    hint: 'close the quotes, or write the command as a list of words',
  });
  return [];
}

function hasImage(root: RootConfig | undefined): boolean {
  return typeof root === 'object' && root.image !== undefined;
}

/** `entrypoint` followed by `command`. */
export function resolveCommand(config: MachineConfig, at: Place): readonly string[] {
  const entrypoint = resolveWords(config.entrypoint, at.child('entrypoint'));
  const command = resolveWords(config.command, at.child('command'));
  const words = [...entrypoint, ...command];
  const writtenBadly = (value: Words | undefined): boolean =>
    typeof value === 'string' && value.trim() !== '';
  const knowsCommand = isSelfBooting(config) || config.tee !== undefined || hasImage(config.root);
  if (
    words.length === 0 &&
    !knowsCommand &&
    !writtenBadly(config.entrypoint) &&
    !writtenBadly(config.command)
  ) {
    at.keyError('missing-key', `machine \`${at.name}\` has no command`, {
      hint: 'say what runs in it, such as `command: [/bin/httpd, -f]`',
    });
  }
  if (words[0] === '') {
    const key = entrypoint.length > 0 ? 'entrypoint' : 'command';
    at.child(key).error('invalid-value', 'the first word is the program and cannot be empty');
  }
  return words;
}
