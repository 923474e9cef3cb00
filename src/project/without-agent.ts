import { withoutAgentNote } from './has-agent.ts';
import type { Place } from './place.ts';
import type { Machine } from './project.ts';

/**
 * Without a shell in the guest, libkrun's init is all there is: it mounts nothing, takes plain words only, and starts
 * one command as root. Health checks and rules of `develop` are looked at where they are resolved.
 */
export function checkWithoutAgent(machine: Machine, at: Place): void {
  if (machine.agent) return;
  const refuse = (key: string, message: string, hint: string): void =>
    at.child(key).keyError('conflict', message, { ...withoutAgentNote(at), hint });
  if (machine.shares.some((share) => share.target !== undefined)) {
    refuse(
      'shares',
      'a machine without agent mounts no shares',
      'give the shares a `tag` and no `target`, and let the program in the guest mount them',
    );
  }
  if (machine.user !== undefined) {
    refuse('user', 'a machine without agent runs its command as root', 'let the program change its user');
  }
  for (const key of ['secrets', 'configs'] as const) {
    if (machine[key].length === 0) continue;
    refuse(
      key,
      `a machine without agent gets no ${key}`,
      'put the file into the root, or on a share with a `tag`',
    );
  }
  if (machine.tty) refuse('tty', 'a machine without agent has no terminal', 'remove `tty`');
  if (machine.stdinOpen) refuse('stdin_open', 'a machine without agent has no input', 'remove `stdin_open`');
  if (machine.stopCommand.length > 0) {
    refuse('stop_command', 'a machine without agent runs no stop command', 'remove it');
  }
  checkWords(machine, at);
  if (machine.kind === 'task') {
    at.child('kind').warning('conflict', 'krun cannot know that a task without agent is done', {
      ...withoutAgentNote(at),
      hint: 'libkrun reports 0 for a guest that rebooted itself, too; so the task runs at each `krun up`',
    });
  }
}

function checkWords(machine: Machine, at: Place): void {
  const more = { ...withoutAgentNote(at), hint: 'use printable ASCII without double quotes' };
  const message =
    'a machine without agent gets its words through the kernel command line, which knows no quoting';
  const isPlain = (word: string): boolean => /^[ !#-~]*$/.test(word);
  if (!machine.command.every(isPlain)) at.child('command').error('conflict', message, more);
  if (!Object.entries(machine.environment).flat().every(isPlain)) {
    at.child('environment').keyError('conflict', message, more);
  }
  if (!/^[!#-~]*$/.test(machine.workingDir)) at.child('working_dir').error('conflict', message, more);
}
