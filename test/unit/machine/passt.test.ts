import { describe, expect, it } from 'vitest';
import { passtArguments, passtFeatures } from '../../../src/machine/passt-arguments.ts';
import { explainPasst } from '../../../src/machine/passt.ts';
import type { PasstSettings } from '../../../src/machine/spec.ts';

/** The options that matter, as `passt --help` of Debian 12 and 13 prints them. */
const HELP_2023 =
  "  --no-map-gw\t\tDon't map gateway address to host\n  --dns-forward ADDR\tForward DNS queries sent to ADDR\n";
const HELP_2025 = `${HELP_2023}  --dns-host ADDR\tHost nameserver to direct queries to\n  --map-host-loopback ADDR\tTranslate ADDR to refer to host\n`;

const SETTINGS: PasstSettings = {
  program: '/usr/bin/passt',
  address: '192.168.127.2/24',
  gateway: '192.168.127.1',
  mtu: 1500,
  hostAccess: true,
  dns: [],
  dnsSearch: [],
  ports: [],
};
const LOCAL_RESOLVER = '# systemd\nsearch lan\nnameserver ::1\nnameserver 127.0.0.53\n';

function passt(more: Partial<PasstSettings>, help = HELP_2023, resolvConf = LOCAL_RESOLVER): string {
  return passtArguments({ ...SETTINGS, ...more }, passtFeatures(help), { fd: 3, resolvConf }).join(' ');
}

const START = '--foreground --fd 3 --ipv4-only --address 192.168.127.2 --netmask 24 --gateway 192.168.127.1';

describe('passt', () => {
  it("gives the guest its address, and answers its queries with the host's resolver", () => {
    expect(passt({})).toBe(`${START} --mtu 1500 --dns 127.0.0.53 --dns-forward 192.168.127.1`);
    expect(passt({}, HELP_2025)).toBe(`${START} --mtu 1500 --dns-forward 192.168.127.1`);
    expect(passt({}, HELP_2023, '')).toBe(`${START} --mtu 1500 --dns-forward 192.168.127.1`);
  });

  it('is told the name servers and domains of the file', () => {
    expect(passt({ mtu: 65520, dns: ['9.9.9.9', '1.1.1.1'], dnsSearch: ['corp.example', 'example'] })).toBe(
      `${START} --mtu 65520 --dns 9.9.9.9 --dns 1.1.1.1 --search corp.example example`,
    );
  });

  it("keeps the guest from the host's loopback, in the words of its version", () => {
    expect(passt({ hostAccess: false })).toMatch(/ --no-map-gw$/);
    expect(passt({ hostAccess: false }, HELP_2025)).toMatch(/ --map-host-loopback none$/);
  });

  it('publishes ports on their addresses', () => {
    const ports = [
      { host: 8080, hostIp: '127.0.0.1', guest: 80, protocol: 'tcp' },
      { host: 8443, hostIp: '0.0.0.0', guest: 443, protocol: 'tcp' },
      { host: 5353, hostIp: '127.0.0.1', guest: 53, protocol: 'udp' },
      { host: 9000, guest: 9000, protocol: 'tcp' },
    ] as const;
    expect(passt({ ports })).toContain(
      ' --tcp-ports 127.0.0.1/8080:80 --tcp-ports 0.0.0.0/8443:443 --udp-ports 127.0.0.1/5353:53 --tcp-ports 9000:9000',
    );
  });
});

describe('a passt that does not come up', () => {
  it.each([
    [
      "Don't run as root. Changing to nobody...\nCouldn't create user namespace: No space left on device\n",
      "passt ended at its start: the system does not let it make a user namespace (Couldn't create user namespace: No space left on device)",
    ],
    [
      'No external routable interface for IPv4\nExternal interface not usable\n',
      'passt ended at its start: the host has no network with a default route, which this version of passt needs (External interface not usable)',
    ],
    [
      "Failed to bind port 80 (Permission denied) for option '-t 127.0.0.1/80:80', exiting\n",
      "passt ended at its start: it cannot publish a port (Failed to bind port 80 (Permission denied) for option '-t 127.0.0.1/80:80', exiting)",
    ],
    ['', 'passt ended at its start'],
  ])('says why: %j', (said, message) => {
    expect(explainPasst(said, false).message).toBe(message);
  });

  it('may just be silent', () => {
    expect(explainPasst('MAC:\n', true).message).toBe('passt did not answer within 10 s (MAC:)');
  });
});
