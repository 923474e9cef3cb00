import { expect, test } from 'vitest';
import { parseSubnet } from '../../../src/base/ipv4.ts';
import { explainGvproxy, gvproxyCommand, needsConfig } from '../../../src/network/gvproxy-command.ts';

const sockets = { gvproxyApi: '/run/k/ga-default', gvproxyLink: '/run/k/gq-default' };

function settings(subnet: string): Parameters<typeof gvproxyCommand>[0] {
  const parsed = parseSubnet(subnet);
  if (!parsed) throw new Error(`${subnet} is no subnet`);
  return { sockets, mtu: 1400, subnet: parsed };
}

test("gvproxy's own subnet needs no configuration file, so that 0.8.1 takes it", () => {
  const { args, config } = gvproxyCommand(settings('192.168.127.0/24'), '/p/run-1/gvproxy.json');
  expect(args.join(' ')).toBe(
    '-listen unix:///run/k/ga-default -listen-qemu unix:///run/k/gq-default -mtu 1400 -ssh-port -1',
  );
  expect(config).toBeUndefined();
  expect(needsConfig(settings('192.168.127.0/24'))).toBe(false);
});

test('another subnet comes from a configuration file with all of its addresses', () => {
  const { args, config } = gvproxyCommand(settings('10.9.0.0/20'), '/p/run-1/gvproxy.json');
  expect(args).toEqual(['-config', '/p/run-1/gvproxy.json']);
  expect(JSON.parse(config ?? '')).toEqual({
    listen: ['unix:///run/k/ga-default'],
    interfaces: { qemu: 'unix:///run/k/gq-default' },
    stack: {
      mtu: 1400,
      subnet: '10.9.0.0/20',
      gatewayIP: '10.9.0.1',
      gatewayMacAddress: '5a:94:ef:e4:0c:dd',
      deviceIP: '10.9.0.2',
      hostIP: '10.9.15.254',
      nat: { '10.9.15.254': '127.0.0.1' },
    },
  });
});

test('what gvproxy says at its end becomes a reason', () => {
  const explain = (output: string): string => {
    const { message, hint } = explainGvproxy(output, 'exit 0');
    return `${message}\n  ${hint}`;
  };
  expect(
    [
      'time="x" level=fatal msg="cannot listen: listen unix /x: bind: invalid argument"\n',
      'flag provided but not defined: -config\nUsage of gvproxy:\n  -debug\n',
      'flag provided but not defined: -ssh-port\nUsage of gvproxy:\n',
      'time="x" level=error msg="listen unix /x: bind: address already in use"\n',
      'level=error msg="listen unix /x: bind: permission denied"\n',
      'time="x" level=info msg="waiting"\ntime="y" level=error msg="something new"\n\n',
      '',
    ]
      .map(explain)
      .join('\n'),
  ).toMatchInlineSnapshot(`
    "gvproxy cannot start: the paths of its sockets are too long for the system
      set XDG_RUNTIME_DIR to a short path
    gvproxy cannot start: it takes no configuration file, which another subnet than 192.168.127.0/24 needs
      install gvproxy 0.8.8 or newer, or use the subnet 192.168.127.0/24
    gvproxy cannot start: it does not know the options that krun needs
      install gvproxy 0.8.0 or newer
    gvproxy cannot start: another process has its sockets open
      another krun runs this network; \`krun down\` ends it
    gvproxy cannot start: the system does not let it make its sockets
      look at the owner and mode of the runtime directory
    gvproxy ended before it was ready (exit 0); its last line: time="y" level=error msg="something new"
      run it by hand with \`-version\`; KRUN_GVPROXY names another one
    gvproxy ended before it was ready (exit 0) without a word
      run it by hand with \`-version\`; KRUN_GVPROXY names another one"
  `);
});
