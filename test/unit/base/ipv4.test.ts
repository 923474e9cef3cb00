import { expect, it } from 'vitest';
import {
  broadcastAddress,
  containingSubnet,
  contains,
  firstMember,
  formatIpv4,
  formatSubnet,
  gatewayAddress,
  hostAddress,
  isMemberAddress,
  lastMember,
  netmask,
  overlaps,
  parseIpv4,
  parseSubnet,
  type Subnet,
} from '../../../src/base/ipv4.ts';

it.each(['0.0.0.0', '10.0.0.1', '192.168.127.254', '255.255.255.255'])(
  '%s reads as it is written',
  (text) => {
    expect(formatIpv4(parseIpv4(text) ?? -1)).toBe(text);
  },
);

it.each([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '01.2.3.4',
  '1.2.3.256',
  '1.2.3.-1',
  ' 1.2.3.4',
  '1.2.3.4 ',
  '1..2.3',
  '0x1.2.3.4',
])('%j is no address', (text) => {
  expect(parseIpv4(text)).toBeUndefined();
});

it.each(['192.168.127.0/24', '10.0.0.0/8', '0.0.0.0/0', '10.1.2.3/32', '172.16.0.8/29'])(
  '%s is a subnet',
  (text) => {
    expect(formatSubnet(subnetOf(text))).toBe(text);
  },
);

it.each(['192.168.127.1/24', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '10.0.0.0/8/8', 'a/8'])(
  '%s is no subnet',
  (text) => {
    expect(parseSubnet(text)).toBeUndefined();
  },
);

it('an address with prefix length tells its subnet', () => {
  expect(containingSubnet('192.168.127.9/24')).toEqual(parseSubnet('192.168.127.0/24'));
});

it.each([
  ['192.168.127.0/24', '255.255.255.0 gateway .1 members .2 to .253 host .254 broadcast .255'],
  ['10.20.0.0/29', '255.255.255.248 gateway .1 members .2 to .5 host .6 broadcast .7'],
])('%s gives every role an address', (text, expected) => {
  const subnet = subnetOf(text);
  const last = (address: number): string => `.${formatIpv4(address).split('.')[3]}`;
  expect(
    `${formatIpv4(netmask(subnet))} gateway ${last(gatewayAddress(subnet))} members ` +
      `${last(firstMember(subnet))} to ${last(lastMember(subnet))} host ${last(hostAddress(subnet))} ` +
      `broadcast ${last(broadcastAddress(subnet))}`,
  ).toBe(expected);
});

it('a subnet contains its first and last address and nothing beside', () => {
  const subnet = subnetOf('200.1.2.0/24');
  const inside = ['200.1.2.0', '200.1.2.255', '200.1.1.255', '200.1.3.0'].map((text) =>
    contains(subnet, parseIpv4(text) ?? -1),
  );
  expect(inside).toEqual([true, true, false, false]);
});

it('subnets overlap where one holds the other', () => {
  const ten = subnetOf('10.0.0.0/8');
  expect(overlaps(ten, subnetOf('10.3.0.0/16'))).toBe(true);
  expect(overlaps(subnetOf('10.3.0.0/16'), ten)).toBe(true);
  expect(overlaps(ten, subnetOf('11.0.0.0/16'))).toBe(false);
});

it('machines may have neither the gateway’s nor the host’s address, and a /30 has room for none', () => {
  const subnet = subnetOf('192.168.127.0/24');
  const may = (last: number): boolean => isMemberAddress(subnet, subnet.base + last);
  expect([0, 1, 2, 253, 254, 255].map(may)).toEqual([false, false, true, true, false, false]);
  const small = subnetOf('10.0.0.0/30');
  expect([0, 1, 2, 3].some((last) => isMemberAddress(small, small.base + last))).toBe(false);
});

function subnetOf(text: string): Subnet {
  const subnet = parseSubnet(text);
  if (!subnet) throw new Error(`not a subnet: ${text}`);
  return subnet;
}
