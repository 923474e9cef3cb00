import { expect, test } from 'vitest';
import { forwardOf } from '../../../src/network/forward.ts';
import { codeOfText, portRefusal } from '../../../src/network/port-refusal.ts';

const port = forwardOf({ host: 80, guest: 80, protocol: 'tcp' }, '10.0.0.2');
const six = forwardOf({ host: 5353, guest: 53, protocol: 'udp', hostIp: 'fd00::5' }, '10.0.0.2');
const socket = forwardOf({ socket: '/run/web.sock', guest: 80, protocol: 'tcp' }, '10.0.0.2');

test("the system's words become a cause and a next step", async () => {
  const told = [
    await portRefusal(port, 'EACCES', ''),
    await portRefusal(socket, 'EACCES', ''),
    await portRefusal(socket, 'EADDRINUSE', ''),
    await portRefusal(six, 'EADDRNOTAVAIL', ''),
    await portRefusal(six, 'EAFNOSUPPORT', ''),
    await portRefusal(port, 'EMFILE', 'listen EMFILE'),
    await portRefusal(port, 'EIO', 'listen EIO'),
  ];
  expect(told.map(({ message, hint }) => `${message}\n  ${hint ?? '-'}`).join('\n')).toMatchInlineSnapshot(`
    "host port 127.0.0.1:80 is reserved for root
      publish a port from 1024 up, or lower net.ipv4.ip_unprivileged_port_start
    host socket /run/web.sock cannot be made: permission denied
      make its directory writable for your user
    host socket /run/web.sock is in use by another process
      end that process or choose another path
    host port [fd00::5]:5353 (udp) cannot be published: the host has no such address
      use an address of one of its interfaces, or 127.0.0.1
    host port [fd00::5]:5353 (udp) cannot be published: the host has no IPv6
      use an IPv4 address
    host port 127.0.0.1:80 cannot be published: listen EMFILE
      too many open files; raise the limit (ulimit -n)
    host port 127.0.0.1:80 cannot be published: listen EIO
      -"
  `);
});

test("gvproxy's words are those of the system", () => {
  expect(codeOfText('listen tcp 127.0.0.1:80: bind: permission denied')).toBe('EACCES');
  expect(codeOfText('listen udp 127.0.0.1:53: bind: address already in use')).toBe('EADDRINUSE');
  expect(codeOfText('listen tcp 192.0.2.1:80: bind: cannot assign requested address')).toBe('EADDRNOTAVAIL');
  expect(codeOfText('proxy not found')).toBe('');
});
