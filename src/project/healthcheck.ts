import { quotedList } from '../base/text.ts';
import type { HealthcheckConfig } from '../config/schema.gen.ts';
import { withoutAgentNote } from './has-agent.ts';
import { hasLivePorts, portCarrier } from './port-carrier.ts';
import type { Place } from './place.ts';
import { resolveProbe, writtenProbes } from './probe.ts';
import type { Attachment, Healthcheck, Port, Probe } from './project.ts';
import { boolOr, countOr, durationOr } from './scalars.ts';

/** What a health check needs to know of its machine. */
export interface HealthcheckScope {
  readonly agent: boolean;
  readonly networks: readonly Attachment[];
  readonly ports: readonly Port[];
}

const LEAST_INTERVAL_MS = 10;

/** Whether a machine has a health check: there is one, and it is not turned off. */
export function hasHealthcheck(config: HealthcheckConfig | undefined): config is HealthcheckConfig {
  if (!config || boolOr(config.disable, false)) return false;
  return !(Array.isArray(config.test) && config.test[0] === 'NONE');
}

/** The health check of a machine, or none where there is none or a mistake, which is reported. */
export function resolveHealthcheck(
  config: HealthcheckConfig | undefined,
  scope: HealthcheckScope,
  at: Place,
): Healthcheck | undefined {
  if (!hasHealthcheck(config)) return undefined;
  const probe = onlyProbe(config, at);
  if (!probe) return undefined;
  checkReach(probe, scope, at.child(probe.kind));
  const liveness = boolOr(config.liveness, false);
  if (liveness && probe.kind === 'log') {
    at.child('liveness').warning('conflict', 'a machine whose log was right once never becomes unhealthy', {
      hint: 'check with `test`, `http` or `tcp`, or remove `liveness`',
    });
  }
  return {
    probe,
    intervalMs: interval(config.interval, 30_000, at.child('interval')),
    timeoutMs: interval(config.timeout, 30_000, at.child('timeout')),
    startPeriodMs: durationOr(config.start_period, 0, at.child('start_period')),
    startIntervalMs: interval(config.start_interval, 200, at.child('start_interval')),
    retries: countOr(config.retries, 3),
    ...(config.hint === undefined ? {} : { hint: config.hint }),
    liveness,
  };
}

function interval(value: string | undefined, fallbackMs: number, at: Place): number {
  const ms = durationOr(value, fallbackMs, at);
  if (ms < LEAST_INTERVAL_MS) {
    at.error('limit', `less than ${LEAST_INTERVAL_MS}ms is too short for a check`, {
      hint: 'write a time such as 200ms or 10s',
    });
  }
  return ms;
}

function onlyProbe(config: HealthcheckConfig, at: Place): Probe | undefined {
  const written = writtenProbes(config);
  const [first, ...more] = written;
  if (!first) {
    at.keyError('missing-key', 'the health check says nothing to check', {
      hint: 'add one of `test`, `http`, `tcp` and `log`, such as `tcp: 80`',
    });
    return undefined;
  }
  if (more.length > 0) {
    at.keyError('conflict', `a health check has one probe, and this one has ${quotedList(written, 'and')}`, {
      hint: 'keep one of them',
    });
    return undefined;
  }
  return resolveProbe(config, first, at.child(first));
}

/** A probe must have a way into the guest: a session of the agent, or a connection to one of its ports. */
function checkReach(probe: Probe, { agent, networks, ports }: HealthcheckScope, at: Place): void {
  if (probe.kind === 'log') return;
  if (probe.kind === 'test') {
    if (agent) return;
    at.keyError('conflict', 'a check in the guest needs the agent', {
      ...withoutAgentNote(at.parent.parent),
      hint: 'check with `http`, `tcp` or `log`, which need nothing in the guest',
    });
    return;
  }
  const carrier = portCarrier(networks)?.network;
  if (!carrier) {
    const why =
      networks.length === 0 ? 'the machine has no network' : 'krun does not know the address of the machine';
    at.keyError('conflict', `krun cannot connect to port ${probe.port}: ${why}`, {
      hint: agent ? 'check in the guest with `test`, or with `log`' : 'check with `log`',
    });
  } else if (!hasLivePorts(carrier) && !ports.some((port) => isThatPort(port, probe.port))) {
    at.keyError(
      'conflict',
      `krun cannot connect to port ${probe.port}: the driver \`${carrier.driver}\` lets in what is published only`,
      { hint: `publish it: \`ports: ["auto:${probe.port}"]\`` },
    );
  }
}

function isThatPort({ guest, protocol }: Port, port: number): boolean {
  return guest === port && protocol === 'tcp';
}
