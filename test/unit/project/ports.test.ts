import { describe, expect, test } from 'vitest';
import { portText } from '../../../src/project/ports.ts';
import type { Port } from '../../../src/project/project.ts';
import { hostWith } from '../../support/host-facts.ts';
import { complaints, only, resolveText, web, webFile } from './support.ts';

const tcp = { protocol: 'tcp', hostIp: '127.0.0.1' } as const;
const udp = { protocol: 'udp', hostIp: '127.0.0.1' } as const;

describe('a port in its author form becomes one shape', () => {
  test.each<[string, readonly Port[]]>([
    ['"8080:80"', [{ ...tcp, host: 8080, guest: 80 }]],
    ['"8080:80/UDP"', [{ ...udp, host: 8080, guest: 80 }]],
    ['80', [{ ...tcp, host: 'auto', guest: 80 }]],
    ['"80/udp"', [{ ...udp, host: 'auto', guest: 80 }]],
    ['"auto:80"', [{ ...tcp, host: 'auto', guest: 80 }]],
    ['"127.0.0.1::80"', [{ ...tcp, host: 'auto', guest: 80 }]],
    ['"127.0.0.9:80"', [{ ...tcp, hostIp: '127.0.0.9', host: 'auto', guest: 80 }]],
    ['"0.0.0.0:8080:80"', [{ ...tcp, hostIp: '0.0.0.0', host: 8080, guest: 80 }]],
    ['"[::1]:8080:80"', [{ ...tcp, hostIp: '::1', host: 8080, guest: 80 }]],
    ['"[0:0:0::0:1]:8080:80/udp"', [{ ...udp, hostIp: '::1', host: 8080, guest: 80 }]],
    ['"[::ffff:10.0.0.1]:8080:80"', [{ ...tcp, hostIp: '10.0.0.1', host: 8080, guest: 80 }]],
    ['"[::]:auto:80"', [{ ...tcp, hostIp: '::', host: 'auto', guest: 80 }]],
    [
      '"8000-8001:80-81"',
      [
        { ...tcp, host: 8000, guest: 80 },
        { ...tcp, host: 8001, guest: 81 },
      ],
    ],
    [
      '"auto:80-81"',
      [
        { ...tcp, host: 'auto', guest: 80 },
        { ...tcp, host: 'auto', guest: 81 },
      ],
    ],
    [
      '{ host: "8000-8001", guest: 80-81, name: http, protocol: udp, host_ip: "::" }',
      [
        { host: 8000, guest: 80, protocol: 'udp', hostIp: '::', name: 'http' },
        { host: 8001, guest: 81, protocol: 'udp', hostIp: '::', name: 'http' },
      ],
    ],
    ['{ guest: 80 }', [{ ...tcp, host: 'auto', guest: 80 }]],
    [
      '{ socket: ./web.sock, guest: 80, name: http }',
      [{ socket: '/p/web.sock', guest: 80, protocol: 'tcp', name: 'http' }],
    ],
  ])('%s', (text, ports) => {
    expect(web(`ports: [${text}]`).ports).toEqual(ports);
  });

  test('sorted by the port of the host, what krun chooses and sockets behind', () => {
    const ports =
      '{ socket: ./s, guest: 1 }, 7, "9000-9001:80-81", "8080:8080", { host: 1443, guest: "8443" }';
    expect(web(`ports: [${ports}]`).ports.map(portText)).toEqual([
      '1443:8443/tcp',
      '8080:8080/tcp',
      '9000:80/tcp',
      '9001:81/tcp',
      '/p/s:1/tcp',
      'auto:7/tcp',
    ]);
  });
});

test('the text of a port names the address of the host where it is not the usual one', () => {
  const texts = web('ports: ["8080:80", "0.0.0.0:81:81", "[::1]:82:82/udp"]').ports.map(portText);
  expect(texts).toEqual(['0.0.0.0:81:81/tcp', '[::1]:82:82/udp', '8080:80/tcp']);
});

test('ports of the host are apart by protocol and by address', () => {
  expect(complaints('ports: ["8080:80", "8080:80/udp", "127.0.0.2:8080:80", "[::1]:8080:80"]')).toBe('\n\n');
  expect(complaints('ports: ["8080:80", "8081:80"]')).toBe('\n\n');
  expect(complaints('ports: ["0.0.0.0:8080:80", "[::1]:8080:80"]')).toBe('\n\n');
  expect(complaints('ports: ["[::]:8080:80", "127.0.0.1:8080:80"]')).toContain('published twice');
  expect(complaints('ports: ["0.0.0.0:8080:80", "10.0.0.1:8080:80"]')).toContain('published twice');
});

describe('under TSI', () => {
  const tsi = (...ports: string[]): string =>
    `${webFile(`ports: [${ports.join(', ')}]`)}networks: { default: { driver: tsi } }\n`;

  test('the guest chooses the address', () => {
    expect(only(resolveText(tsi('"8080:80"', '"auto:81"')))).toMatchObject({
      networks: [{ network: { driver: 'tsi', hijack: ['inet'] }, mac: '', aliases: [] }],
      ports: [
        { host: 8080, guest: 80, protocol: 'tcp' },
        { host: 'auto', guest: 81, protocol: 'tcp' },
      ],
    });
    expect(Object.keys(only(resolveText(tsi('"8080:80"'))).ports[0] ?? {})).not.toContain('hostIp');
  });

  test('a port of the host belongs to one machine, whatever address the other has', () => {
    const text = `${tsi('"8080:80"')}  # another\n`.replace(
      'machines:\n',
      'machines:\n  a: { root: ./r, command: [x], networks: [lan], ports: ["127.0.0.5:8080:80"] }\n',
    );
    const { text: told } = resolveText(text.replace('networks: { default', 'networks: { lan: , default'));
    expect(told).toContain('host port 8080/tcp is published twice');
  });
});

describe('the network that carries ports', () => {
  const lan =
    'lan: { driver: tap, interface: tap0 }, addressed: { driver: tap, interface: tap1, subnet: 10.0.0.0/24 }';

  test('is the first on which krun knows the address', () => {
    const text = `${webFile('networks: [lan, default]', 'ports: ["8080:80"]')}networks: { ${lan} }\n`;
    expect(only(resolveText(text)).ports).toEqual([{ ...tcp, host: 8080, guest: 80 }]);
    const addressed = text.replace('[lan, default]', '[lan, addressed]');
    expect(only(resolveText(addressed)).ports).toHaveLength(1);
    expect(resolveText(text.replace('[lan, default]', '[lan]')).text).toContain(
      'krun does not know the address',
    );
  });

  test('under passt listens on UDP and any address', () => {
    const text = `${webFile('ports: ["0.0.0.0:53:53/udp"]')}networks: { default: { driver: passt } }\n`;
    const { project, text: told } = resolveText(text, { host: hostWith(['passt'], { firstOpenPort: 0 }) });
    expect(told).toBe('\n\n');
    expect(project?.machines['web']?.ports).toEqual([
      { host: 53, guest: 53, protocol: 'udp', hostIp: '0.0.0.0' },
    ]);
  });
});

test('a port that the system keeps is warned of, once for each entry, unless the user may have it', () => {
  const text = webFile('ports: ["80-82:80-82", "1023:83", "1024:84"]');
  expect(resolveText(text).text).toMatchInlineSnapshot(`
    "
    5:13 warning capability: your user may not listen on host port 80: the system keeps those below 1024
        hint: choose a port from 1024 on, such as 8080
    5:28 warning capability: your user may not listen on host port 1023: the system keeps those below 1024
        hint: choose a port from 1024 on, such as 8023
    "
  `);
  expect(resolveText(text, { host: hostWith(['gvproxy'], { firstOpenPort: 0 }) }).text).toBe('\n\n');
});
