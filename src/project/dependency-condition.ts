import { own } from '../base/record.ts';
import type { KrunFile, MachineConfig } from '../config/schema.gen.ts';
import { hasAgent, isSelfBooting, withoutAgentNote } from './has-agent.ts';
import { hasHealthcheck } from './healthcheck.ts';
import type { Place } from './place.ts';
import type { Dependency } from './project.ts';

/** Reports a condition that the other machine can never meet, or is not meant to. */
export function checkCondition(
  name: string,
  condition: Dependency['condition'],
  file: KrunFile,
  at: Place,
): void {
  const other = own(file.machines, name);
  if (!other) return;
  const otherAt = at.root.child('machines', name);
  const place = at.child('condition');
  switch (condition) {
    case 'started':
      return;
    case 'healthy':
    case 'log_ready':
      checkHealth({ name, config: other, at: otherAt }, condition, place);
      return;
    case 'completed_successfully':
      checkCompletion({ name, config: other, at: otherAt }, place);
  }
}

interface Other {
  readonly name: string;
  readonly config: MachineConfig;
  readonly at: Place;
}

function checkHealth({ name, config, at }: Other, condition: 'healthy' | 'log_ready', place: Place): void {
  if (!hasHealthcheck(config.healthcheck)) {
    const isOff = config.healthcheck !== undefined;
    const span = isOff ? at.child('healthcheck').keySpan : at.keySpan;
    place.error('conflict', `machine \`${name}\` has no health check to wait for`, {
      related: [{ message: isOff ? 'its health check is turned off here' : 'it is defined here', span }],
      hint:
        condition === 'healthy'
          ? `add \`healthcheck\` to \`${name}\`, such as \`{ tcp: 80 }\`, or use the condition \`started\``
          : `add \`healthcheck: { log: "ready" }\` to \`${name}\`, or use the condition \`started\``,
    });
  } else if (condition === 'log_ready' && config.healthcheck.log === undefined) {
    place.error('conflict', `the health check of \`${name}\` does not look at its log`, {
      related: [{ message: 'its health check is here', span: at.child('healthcheck').keySpan }],
      hint: 'use the condition `healthy`',
    });
  }
}

function checkCompletion({ name, config, at }: Other, place: Place): void {
  if (!hasAgent(config)) {
    place.error('conflict', `krun cannot know that \`${name}\` was successful: it has no agent`, {
      ...withoutAgentNote(at),
      hint: isSelfBooting(config)
        ? 'wait for something that it does, with a health check and the condition `healthy`, or use `started`'
        : 'libkrun reports 0 for a guest that rebooted itself, too; let it have the agent, or use `started`',
    });
  } else if ((config.kind ?? 'service') !== 'task') {
    place.warning('conflict', `\`${name}\` is a service, which is not meant to complete`, {
      hint: `write \`kind: task\` in \`${name}\`, or use the condition \`started\``,
    });
  }
}
