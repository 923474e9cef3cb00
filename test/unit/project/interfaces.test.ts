import { describe, expect, test } from 'vitest';
import { macAddress } from '../../../src/project/mac.ts';
import { MAC_HOST } from '../../support/host-facts.ts';
import { attachments, file, valid } from './network-files.ts';
import { resolveText, webFile } from './support.ts';

describe('an interface', () => {
  test('has a MAC address that stays, is local, and differs for each machine, network and project', () => {
    const key = { directory: '/p', network: 'default', machine: 'web' };
    const others = [
      { ...key, directory: '/q' },
      { ...key, network: 'back' },
      { ...key, machine: 'db' },
      { ...key, nameOverride: 'copy' },
    ];
    const macs = [key, ...others].map(macAddress);
    expect(new Set(macs).size).toBe(macs.length);
    expect(macAddress({ ...key })).toBe(macs[0]);
    const many = Array.from({ length: 500 }, (_, index) => macAddress({ ...key, machine: `m${index}` }));
    for (const mac of many) {
      expect(mac).toMatch(/^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
      expect(mac).not.toMatch(/^(52:54:00|5a:94:ef)/);
    }
    expect(attachments(valid(webFile()), 'web')[0]?.mac).toBe(macs[0]);
  });

  test('has what the file gives it', () => {
    const options =
      '{ mac: "52:54:00:AB:CD:EF", ip: 192.168.127.9, aliases: [API, www.shop, api, x.krun.internal] }';
    expect(attachments(valid(file({ web: `networks: { default: ${options} }` })), 'web')[0]).toMatchObject({
      mac: '52:54:00:ab:cd:ef',
      ip: '192.168.127.9',
      aliases: ['api', 'www.shop', 'x'],
    });
  });

  test('is that of the machine on a tap network, where it has its own', () => {
    const networks = 'lan: { driver: tap, interface: tap0 }';
    const text = file({ web: 'networks: [lan]', db: 'networks: { lan: { interface: tap1 } }' }, networks);
    expect(attachments(valid(text), 'web')[0]).toMatchObject({ network: { interface: 'tap0' } });
    expect(attachments(valid(text), 'web')[0]?.interface).toBeUndefined();
    expect(attachments(valid(text), 'db')[0]?.interface).toBe('tap1');
  });

  test('comes in the order in which the machine names its networks', () => {
    const text = file({ web: 'networks: [z, a]' }, 'a: , z: ');
    expect(attachments(valid(text), 'web').map(({ network }) => network.name)).toEqual(['z', 'a']);
  });

  test('may have an address beside the range of vmnet, and better not in it', () => {
    const options =
      'driver: vmnet, start_address: 10.0.0.1, end_address: 10.0.0.99, subnet_mask: 255.255.255.0';
    const text = (ip: string): string =>
      resolveText(file({ web: `networks: { lan: { ip: ${ip} } }` }, `lan: { ${options} }`), {
        host: MAC_HOST,
      }).text;
    expect(text('10.0.0.100')).toBe('\n\n');
    expect(text('10.0.0.9')).toMatchInlineSnapshot(`
      "
      2:58 warning conflict: macOS may give 10.0.0.9 to another machine
          hint: write an address after \`end_address\`, which is 10.0.0.99
      "
    `);
  });

  test('has further names where there is somebody who tells them', () => {
    const lan = 'lan: { driver: tap, subnet: 10.0.0.0/24 }';
    const options = (text: string): string =>
      file({ web: `networks: { lan: { interface: tap0, aliases: [api]${text} } }` }, lan);
    expect(attachments(valid(options(', ip: 10.0.0.9')), 'web')[0]?.aliases).toEqual(['api']);
    expect(resolveText(options('')).text).toMatchInlineSnapshot(`
      "
      2:71 error conflict: nobody answers for names on a network with the driver \`tap\`
          hint: remove \`aliases\`, or use the driver \`gvproxy\`, or give the machine an \`ip\`
      "
    `);
  });
});

describe('subnets', () => {
  function subnets(text: string): Readonly<Record<string, string>> {
    const networks = Object.values(valid(text).machines).flatMap((machine) =>
      machine.networks.map(({ network }) => network),
    );
    return Object.fromEntries(
      networks.map((network) => [network.name, 'subnet' in network ? network.subnet : '']),
    );
  }

  test('are one for networks that never meet, and differ in the order of the file for those of one machine', () => {
    expect(subnets(file({ a: 'networks: [x]', b: 'networks: [y]' }, 'x: , y: '))).toEqual({
      x: '192.168.127.0/24',
      y: '192.168.127.0/24',
    });
    expect(subnets(file({ web: 'networks: [z, default, y]' }, 'y: , z: '))).toEqual({
      default: '192.168.127.0/24',
      y: '192.168.128.0/24',
      z: '192.168.129.0/24',
    });
  });

  test('leave out what the file gives to neighbours', () => {
    const networks = 'x: , y: { subnet: 192.168.126.0/23 }, z: { subnet: 192.168.0.0/16 }';
    expect(subnets(file({ a: 'networks: [x, y]', b: 'networks: [z]' }, networks))).toEqual({
      x: '192.168.128.0/24',
      y: '192.168.126.0/23',
      z: '192.168.0.0/16',
    });
  });

  test('do not move when a profile brings another machine', () => {
    const text = file({ web: 'networks: [x]', debug: 'profiles: [debug], networks: [x, y]' }, 'y: , x: ');
    const with_ = resolveText(text, { profiles: ['debug'] }).project;
    expect(resolveText(text).project?.machines['web']).toEqual(with_?.machines['web']);
    expect(with_?.machines['web']?.networks[0]?.network).toMatchObject({ subnet: '192.168.128.0/24' });
  });
});
