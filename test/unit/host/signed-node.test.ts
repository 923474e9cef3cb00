import { describe, expect, test } from 'vitest';
import { hypervisorAnswer } from '../../../src/host/hypervisor.ts';
import { nodeForMachines } from '../../../src/host/hypervisor-node.ts';
import { checkSignedNode, copyDirectory, makeSignedNode } from '../../../src/host/signed-node.ts';
import { ended, FakeMac, SYSTEM_LIBRARIES } from './signed-node-host.ts';

const CACHE = '/Users/u/.local/share/krun/node';
const OFFICIAL = { path: '/usr/local/bin/node', version: '22.11.0' };
const BREW = { path: '/opt/homebrew/Cellar/node/24.1.0/bin/node', version: '24.1.0' };
const COPY = copyDirectory(CACHE, OFFICIAL);
const READY = { kind: 'ready', program: `${COPY}/bin/node` };

function official(): FakeMac {
  const mac = new FakeMac();
  mac.add(OFFICIAL.path, '22.11.0');
  return mac;
}

function brew(): FakeMac {
  const mac = new FakeMac();
  mac.add(BREW.path, '24.1.0', {
    libraries: ['@rpath/libnode.137.dylib', '/usr/lib/libSystem.B.dylib'],
    rpaths: ['@loader_path', '@loader_path/../lib'],
  });
  mac.add('/opt/homebrew/Cellar/node/24.1.0/lib/libnode.137.dylib', 'node itself', {
    libraries: ['/opt/homebrew/opt/icu4c/lib/libicui18n.77.dylib', '@rpath/libnode.137.dylib'],
    rpaths: [],
  });
  return mac;
}

const shown = (mac: FakeMac): string => mac.done.join('\n').replaceAll(CACHE, 'CACHE');

describe('the signed copy of node', () => {
  test('of the official node is made, verified and put in place in one step', async () => {
    const mac = official();
    expect(await makeSignedNode(OFFICIAL, CACHE, mac)).toEqual(READY);
    expect(shown(mac)).toBe(
      [
        'mkdir CACHE',
        'lock CACHE/lock',
        `mkdir ${NEW}/bin`,
        `copy /usr/local/bin/node ${NEW}/bin/node`,
        `write ${NEW}/entitlements.plist`,
        `run /usr/bin/codesign --entitlements ${NEW}/entitlements.plist --force -s - ${NEW}/bin/node`,
        `run /usr/bin/codesign --verify --strict ${NEW}/bin/node`,
        `run /usr/bin/codesign -d --entitlements - --xml ${NEW}/bin/node`,
        `run ${NEW}/bin/node --version`,
        `write ${NEW}/record.json`,
        `rename ${NEW} ${SHOWN}`,
        'unlock',
      ].join('\n'),
    );
    expect(mac.files.get(`${COPY}/entitlements.plist`)?.text).toBe(PLIST);
    expect(JSON.parse(mac.files.get(`${COPY}/record.json`)?.text ?? '')).toEqual({
      schemaVersion: 1,
      source: { ...OFFICIAL, size: 7, mtimeMs: 1001 },
      program: { size: 7, mtimeMs: mac.files.get(`${COPY}/bin/node`)?.mtimeMs },
    });
  });

  test("of Homebrew's node has libnode at the same place beside it, and leaves the system's libraries", async () => {
    const mac = brew();
    const made = await makeSignedNode(BREW, CACHE, mac);
    const copy = copyDirectory(CACHE, BREW);
    expect(made).toEqual({ kind: 'ready', program: `${copy}/bin/node` });
    expect(mac.done.filter((line) => line.startsWith('copy'))).toEqual([
      `copy ${BREW.path} ${copy}.new/bin/node`,
      `copy /opt/homebrew/Cellar/node/24.1.0/lib/libnode.137.dylib ${copy}.new/lib/libnode.137.dylib`,
    ]);
  });

  test('never touches the node of the user', async () => {
    for (const [mac, source] of [
      [official(), OFFICIAL],
      [brew(), BREW],
    ] as const) {
      const before = structuredClone(mac.files.get(source.path));
      await makeSignedNode(source, CACHE, mac);
      expect(mac.files.get(source.path)).toEqual(before);
      const changes = mac.done.filter((line) => !/^(lock|unlock|run|copy)/.test(line));
      expect(changes.filter((line) => !line.includes(CACHE))).toEqual([]);
    }
  });

  test('is made once, and only looked at from then on', async () => {
    const mac = official();
    await makeSignedNode(OFFICIAL, CACHE, mac);
    mac.done.length = 0;
    expect(await makeSignedNode(OFFICIAL, CACHE, mac)).toEqual(READY);
    expect(shown(mac)).toBe(
      [
        `run /usr/bin/codesign --verify --strict ${SHOWN}/bin/node`,
        `run /usr/bin/codesign -d --entitlements - --xml ${SHOWN}/bin/node`,
      ].join('\n'),
    );
  });

  test('is taken from whoever made it while the lock was waited for', async () => {
    const mac = official();
    const locked = mac.locked.bind(mac);
    mac.locked = async (file, work) => {
      mac.locked = locked;
      await makeSignedNode(OFFICIAL, CACHE, mac);
      return locked(file, work);
    };
    expect(await makeSignedNode(OFFICIAL, CACHE, mac)).toEqual(READY);
    expect(mac.done.filter((line) => line.startsWith('copy'))).toHaveLength(1);
  });

  test('has a directory for each node', () => {
    const other = { ...OFFICIAL, path: '/opt/node/bin/node' };
    const newer = { ...OFFICIAL, version: '22.12.0' };
    const all = [OFFICIAL, other, newer].map((source) => copyDirectory(CACHE, source));
    expect(new Set(all).size).toBe(3);
  });

  test.each<[string, (mac: FakeMac) => unknown, object]>([
    ['nothing was made', (mac) => mac.files.delete(`${COPY}/bin/node`), { kind: 'missing' }],
    ['the record is not whole', (mac) => mac.add(`${COPY}/record.json`, '{"sch'), { kind: 'missing' }],
    ['node was replaced', (mac) => mac.add(OFFICIAL.path, '22.11.0'), { kind: 'stale' }],
    ['the copy was changed', (mac) => mac.add(`${COPY}/bin/node`, 'other'), { kind: 'invalid' }],
    [
      'the signature does not hold',
      (mac) => mac.answers.set('/usr/bin/codesign --verify', ended(1, '', 'x: invalid signature')),
      { kind: 'invalid', reason: 'x: invalid signature' },
    ],
    [
      'the entitlement is missing',
      (mac) => mac.answers.set('/usr/bin/codesign -d', ended(0, PLIST.replaceAll('hypervisor', 'x'))),
      { kind: 'not-entitled' },
    ],
    [
      'the entitlement is false',
      (mac) => mac.answers.set('/usr/bin/codesign -d', ended(0, PLIST.replaceAll('<true/>', '<false/>'))),
      { kind: 'not-entitled' },
    ],
    [
      'there is no codesign',
      (mac) => mac.answers.set('/usr/bin/codesign', { kind: 'not-started', code: 'ENOENT' }),
      { kind: 'failed', reason: 'codesign: ENOENT' },
    ],
  ])('is told where %s', async (_name, change, expected) => {
    const mac = official();
    await makeSignedNode(OFFICIAL, CACHE, mac);
    change(mac);
    expect(await checkSignedNode(OFFICIAL, CACHE, mac)).toMatchObject(expected);
  });

  test.each([
    ['node was replaced', (mac: FakeMac) => mac.add(OFFICIAL.path, '22.11.0')],
    ['it was changed', (mac: FakeMac) => mac.add(`${COPY}/bin/node`, 'other')],
  ])('is made anew where %s', async (_name, change) => {
    const mac = official();
    await makeSignedNode(OFFICIAL, CACHE, mac);
    change(mac);
    mac.done.length = 0;
    expect(await makeSignedNode(OFFICIAL, CACHE, mac)).toEqual(READY);
    const moves = shown(mac)
      .split('\n')
      .filter((line) => line.startsWith('rename'));
    expect(moves).toEqual([`rename ${SHOWN} ${SHOWN}.old`, `rename ${NEW} ${SHOWN}`]);
    expect([...mac.files.keys()].filter((name) => /\.(old|new)\//.test(name))).toEqual([]);
    expect(await checkSignedNode(OFFICIAL, CACHE, mac)).toEqual(READY);
  });

  test('of a node that an upgrade took away goes on serving', async () => {
    const mac = official();
    await makeSignedNode(OFFICIAL, CACHE, mac);
    mac.files.delete(OFFICIAL.path);
    expect(await makeSignedNode(OFFICIAL, CACHE, mac)).toEqual(READY);
  });

  test.each<[string, (mac: FakeMac) => unknown, RegExp]>([
    [
      'codesign refuses',
      (mac) => mac.answers.set('/usr/bin/codesign --entitlements', ended(1, '', 'errSecInternalComponent')),
      /^codesign: errSecInternalComponent$/,
    ],
    [
      'the copy is killed at once',
      (mac) => mac.answers.set(`${COPY}.new/bin/node`, { kind: 'killed', signal: 'SIGKILL', stderr: '' }),
      /does not start: ended by SIGKILL$/,
    ],
    [
      'the copy is another version',
      (mac) => mac.answers.set(`${COPY}.new/bin/node`, ended(0, 'v18.0.0\n')),
      /does not start: exit code 0$/,
    ],
    [
      'its library is nowhere',
      (mac) =>
        mac.add(OFFICIAL.path, '22.11.0', {
          libraries: ['@rpath/libnode.1.dylib'],
          rpaths: ['@loader_path'],
        }),
      /needs @rpath\/libnode\.1\.dylib, which is not in @loader_path$/,
    ],
  ])('leaves nothing behind where %s', async (_name, change, expected) => {
    const mac = official();
    change(mac);
    const made = await makeSignedNode(OFFICIAL, CACHE, mac);
    expect(made).toMatchObject({ kind: 'failed' });
    expect('reason' in made ? made.reason : '').toMatch(expected);
    expect([...mac.files.keys()].filter((name) => name.startsWith(CACHE))).toEqual([]);
    const told = await nodeForMachines(OFFICIAL, CACHE, mac);
    expect(told).toMatchObject({ ok: false, error: { code: 'environment' } });
  });

  test('with a library that only a symbolic link names finds it under that name', async () => {
    const mac = official();
    mac.add(OFFICIAL.path, '22.11.0', { libraries: ['@executable_path/../lib/libnode.dylib'], rpaths: [] });
    mac.add('/usr/local/lib/libnode.127.dylib', 'x', SYSTEM_LIBRARIES);
    mac.links.set('/usr/local/lib/libnode.dylib', '/usr/local/lib/libnode.127.dylib');
    expect(await makeSignedNode(OFFICIAL, CACHE, mac)).toEqual(READY);
    expect(mac.files.has(`${COPY}/lib/libnode.dylib`)).toBe(true);
  });
});

test('answers of Hypervisor.framework have their names', () => {
  // hv_return_t is a signed number for koffi.
  expect(hypervisorAnswer(0xfae94007 | 0)).toBe('HV_DENIED');
  expect(hypervisorAnswer(0xfae94005 | 0)).toBe('HV_NO_RESOURCES');
  expect(hypervisorAnswer(5)).toBe('0x5');
});

const SHOWN = COPY.replace(CACHE, 'CACHE');
const NEW = `${SHOWN}.new`;

const PLIST = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>com.apple.security.cs.allow-jit</key>
  <true/>
  <key>com.apple.security.cs.allow-unsigned-executable-memory</key>
  <true/>
  <key>com.apple.security.cs.disable-executable-page-protection</key>
  <true/>
  <key>com.apple.security.cs.allow-dyld-environment-variables</key>
  <true/>
  <key>com.apple.security.cs.disable-library-validation</key>
  <true/>
  <key>com.apple.security.hypervisor</key>
  <true/>
</dict>
</plist>
`;
