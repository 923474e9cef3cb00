import type { Attachment, Machine, Port } from './project.ts';

/** Fields that definitions had not from the start. */
type Later =
  | 'tty'
  | 'stdinOpen'
  | 'networks'
  | 'ports'
  | 'secrets'
  | 'configs'
  | 'stopCommand'
  | 'watch'
  | 'helpers';

/** A definition as any krun has recorded it: what came later is not there, and networks had another shape. */
export type RecordedMachine = Omit<Machine, Later> &
  Partial<Pick<Machine, Later>> & {
    /** Before there were networks, a machine had TSI or nothing. */
    readonly network?:
      | { readonly driver: 'none' }
      | { readonly driver: 'tsi'; readonly ports: readonly Port[] };
  };

/** A recorded definition in today's shape, so that nothing else has to know of older ones. */
export function currentDefinition(recorded: RecordedMachine): Machine {
  const { network, ...definition } = recorded;
  return {
    tty: false,
    stdinOpen: false,
    secrets: [],
    configs: [],
    stopCommand: [],
    watch: [],
    helpers: {},
    networks: network?.driver === 'tsi' ? [TSI] : [],
    ports: network?.driver === 'tsi' ? network.ports : [],
    ...definition,
  };
}

const TSI: Attachment = {
  network: { driver: 'tsi', name: 'default', hijack: ['inet'] },
  mac: '',
  aliases: [],
};
