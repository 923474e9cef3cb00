import { parseSubnet } from '../../../../src/base/ipv4.ts';
import { Switch, type SwitchOptions } from '../../../../src/network/switch.ts';
import { ethernet, GATEWAY } from './frames.ts';
import { createPeer, type Peer } from './peer.ts';

/** A machine at the switch, with its other end. */
export interface TestMember extends Peer {
  readonly name: string;
  readonly mac: string;
  readonly ip: string;
}

export interface TestNetwork {
  readonly subject: Switch;
  readonly uplink: Peer;
  readonly members: readonly TestMember[];
  /** What was told of links, in order. */
  readonly events: readonly string[];
}

/** A switch with so many connected members - m1 at .2, m2 at .3 - and an uplink. */
export function createNetwork(count: number, options: Partial<SwitchOptions> = {}): TestNetwork {
  const subnet = parseSubnet('192.168.127.0/24');
  if (!subnet) throw new Error('the subnet is not read');
  const events: string[] = [];
  const subject = new Switch({
    subnet,
    mtu: 1500,
    hostAccess: true,
    hostAddresses: () => [],
    events: {
      linkUp: (member) => events.push(`${member} up`),
      linkDown: (member, reason) => events.push(`${member} down${reason ? `: ${reason}` : ''}`),
      uplinkDown: (reason) => events.push(`uplink down${reason ? `: ${reason}` : ''}`),
    },
    ...options,
  });
  const members = Array.from({ length: count }, (_, index) => {
    const member = memberNumber(index + 1);
    subject.setMember(member.name, { mac: member.mac, ip: member.ip, names: [member.name] });
    const peer = createPeer();
    subject.attach(member.name, peer.socket);
    return { ...member, ...peer };
  });
  const uplink = createPeer();
  subject.attachUplink(uplink.socket);
  return { subject, uplink, members, events };
}

export function memberNumber(number: number): {
  readonly name: string;
  readonly mac: string;
  readonly ip: string;
} {
  const mac = `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
  return { name: `m${number}`, mac, ip: `192.168.127.${number + 1}` };
}

/** A frame from one to another with a text as its payload, of a type that nobody looks into. */
export function note(to: { readonly mac: string }, from: { readonly mac: string }, text: string): Buffer {
  return ethernet(to.mac, from.mac, 0x88b5, Buffer.from(text));
}

export function texts(frames: readonly Buffer[]): readonly string[] {
  return frames.map((frame) => frame.subarray(14).toString());
}

export { GATEWAY };
