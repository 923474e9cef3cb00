import { expect, test } from 'vitest';
import type { Member } from '../../../src/network/api.ts';
import { parseMember } from '../../../src/network/member-body.ts';

const member: Member = {
  mac: '52:55:00:00:00:01',
  ip: '192.168.127.2',
  names: ['web'],
  linkSocket: '/run/l',
  ports: [
    { host: 8080, guest: 80, protocol: 'tcp', hostIp: '::1' },
    { socket: '/run/web.sock', guest: 80, protocol: 'tcp' },
  ],
};

test('a member survives the way through JSON', () => {
  expect(parseMember(JSON.stringify(member))).toEqual(member);
});

test('what is not a member is told', () => {
  const wrong: readonly [change: object, told: string][] = [
    [{ mac: '52:55:00:00:00' }, '`mac` is not six lower-case hex bytes with colons'],
    [{ mac: '52:55:00:00:00:AA' }, '`mac` is not six lower-case hex bytes with colons'],
    [{ ip: '192.168.127' }, '`ip` is not an IPv4 address'],
    [{ names: [1] }, '`names` is not a list of texts'],
    [{ linkSocket: 'l' }, '`linkSocket` is not an absolute path'],
    [{ ports: [{ host: 0, guest: 80, protocol: 'tcp' }] }, '`ports` is not a list of ports'],
    [{ ports: [{ host: 1, guest: 80, protocol: 'sctp' }] }, '`ports` is not a list of ports'],
    [{ ports: [{ host: 1, guest: 80, protocol: 'tcp', hostIp: 'lo' }] }, '`ports` is not a list of ports'],
  ];
  for (const [change, told] of wrong) {
    expect(parseMember(JSON.stringify({ ...member, ...change }))).toBe(told);
  }
  expect(parseMember('{')).toBe('the body is not JSON');
  expect(parseMember('[]')).toBe('the body is not an object');
});
