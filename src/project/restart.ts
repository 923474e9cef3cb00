import { nearest } from '../base/text.ts';
import type { Place } from './place.ts';
import type { Machine, RestartPolicy } from './project.ts';

const NO_RESTART: RestartPolicy = { policy: 'no' };
const POLICIES = ['no', 'always', 'on-failure', 'unless-stopped'] as const;

/** `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`; a task cannot be restarted for ever. */
export function resolveRestart(value: string | undefined, kind: Machine['kind'], at: Place): RestartPolicy {
  if (value === undefined) return NO_RESTART;
  const policy = parseRestart(value);
  if (!policy) {
    const near = nearest(value, POLICIES);
    at.error('invalid-value', `"${value}" is not a restart policy`, {
      hint: near
        ? `did you mean \`${near}\`?`
        : 'write no, always, unless-stopped, on-failure or on-failure:N with N from 1',
    });
    return NO_RESTART;
  }
  if (kind === 'task' && (policy.policy === 'always' || policy.policy === 'unless-stopped')) {
    at.error('conflict', `a task ends when it is done, so \`restart: ${policy.policy}\` cannot hold`, {
      hint: 'use `restart: on-failure:N` for a task, or `kind: service`',
    });
  }
  return policy;
}

function parseRestart(value: string): RestartPolicy | undefined {
  switch (value) {
    case 'no':
    case 'always':
    case 'unless-stopped':
    case 'on-failure':
      return { policy: value };
    default: {
      const retries = /^on-failure:([1-9]\d{0,8})$/.exec(value)?.[1];
      return retries === undefined ? undefined : { policy: 'on-failure', maxRetries: Number(retries) };
    }
  }
}
