import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { capabilitiesOf, formatCall, vm, type BuiltVm } from '../../../src/builder/index.ts';
import { libc } from '../../../src/host/libc.ts';
import { stubLibkrun } from '../../../src/libkrun/index.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'krun-builder-'));
afterAll(() => rmSync(root, { recursive: true }));

const small = vm().fs((fs) => fs.root(root));

async function refusal(built: BuiltVm, ...options: Parameters<BuiltVm['enter']>): Promise<string> {
  const error: unknown = await built.enter(...options).catch((reason: unknown) => reason);
  if (!(error instanceof Error)) throw new Error('nothing was refused');
  return `${error.name}: ${error.message}`.replaceAll(root, 'ROOT');
}

const NO_START = 'LibkrunNotAvailable: this is a stub of libkrun, which starts no machine';

describe('entering a machine', () => {
  it('makes the calls of the list, with open files and results in place of their names', async () => {
    const library = stubLibkrun();
    const built = small
      .log((l) => l.target({ descriptor: 'log' }))
      .console((c) => c.disableImplicit().port('agent', { input: { descriptor: 'in' }, output: -1 }))
      .exec((e) => e.path('/bin/true'))
      .build();
    let started = 0;
    const options = { library, descriptors: { log: 2, in: 0 }, beforeStart: () => void started++ };
    expect(await refusal(built, options)).toBe(NO_START);
    expect(started).toBe(1);
    const made = library.calls.map((call) => formatCall({ name: call.name, args: call.args }));
    const listed = built
      .formatCalls(capabilitiesOf(library))
      .replaceAll(/^\w+ = /gm, '')
      .replaceAll('<log>', '2')
      .replaceAll('<in>', '0')
      .replaceAll(/\bctx\b/g, '0')
      .replaceAll(/\bconsole0\b/g, '0');
    expect(made.filter((line) => !line.startsWith('krun_has_feature'))).toEqual(listed.split('\n'));
  });

  it('keeps the log that the program has initialised before', async () => {
    const library = stubLibkrun();
    library.initLog({ level: 'debug' });
    expect(await refusal(small.build(), { library })).toBe(NO_START);
    expect(library.calls.map(({ name }) => name)).toContain('krun_create_ctx');
  });

  it('tells files that are not there before any call, all of them', async () => {
    const library = stubLibkrun();
    const built = vm()
      .fs((fs) => fs.root('/nowhere/rootfs'))
      .fs((fs) => fs.tag('data').path('/nowhere/data'))
      .disk((d) => d.path(root))
      .disk((d) => d.path('/dev/null/disk.img'))
      .build();
    expect(await refusal(built, { library })).toMatchInlineSnapshot(`
      "BuilderError: root /nowhere/rootfs does not exist
      disk ROOT is a directory
      disk /dev/null/disk.img does not exist
      share /nowhere/data does not exist"
    `);
    expect(library.calls).toEqual([]);
  });

  it('refuses a name for which no open file is given', async () => {
    const built = small.net((n) => n.unixstream({ descriptor: 'passt' })).build();
    expect(await refusal(built, { library: stubLibkrun() })).toMatchInlineSnapshot(
      `"BuilderError: enter: no open file is given for <passt>; name it in \`descriptors\`"`,
    );
  });

  it('refuses numbers that are not open files, before libkrun takes them', async () => {
    const library = stubLibkrun();
    const built = small
      .net((n) => n.unixstream(9999))
      .serial((s) => s.input({ descriptor: 'keys' }).output(1))
      .build();
    expect(await refusal(built, { library, descriptors: { keys: 9998 } })).toMatchInlineSnapshot(`
      "BuilderError: enter: 9999 is not an open file
      enter: 9998, given for <keys>, is not an open file"
    `);
    expect(library.calls.filter(({ name }) => name !== 'krun_has_feature')).toEqual([]);
  });

  it('connects to who is to carry frames, and tells where nobody is', async () => {
    const file = path.join(root, 'passt.sock');
    const server = net.createServer().listen(file);
    await once(server, 'listening');
    const library = stubLibkrun();
    const served = small.net((n) => n.unixstreamPath(file));
    const nobody = served
      .net((n) => n.unixgramPath(file))
      .net((n) => n.unixstreamPath(path.join(root, 'gone.sock')))
      .net((n) => n.unixgramPath(path.join(root, 'gone.sock')))
      .net((n) => n.tap('krun-none'));
    const accepted = once(server, 'connection') as Promise<[net.Socket]>;
    expect(await refusal(nobody.build(), { library })).toMatchInlineSnapshot(`
      "BuilderError: the socket of eth1, ROOT/passt.sock, is not a datagram socket; name it with unixstreamPath()
      the socket of eth2, ROOT/gone.sock, does not exist; start the program that serves it first
      the socket of eth3, ROOT/gone.sock, does not exist; start the program that serves it first
      eth4: there is no tap device krun-none; \`sudo ip tuntap add dev krun-none mode tap user $USER vnet_hdr\` and \`sudo ip link set krun-none up\`"
    `);
    expect(library.calls.filter(({ name }) => name !== 'krun_has_feature')).toEqual([]);
    const [first] = await accepted;
    await once(first.resume(), 'close');

    const again = once(server, 'connection') as Promise<[net.Socket]>;
    expect(await refusal(served.build(), { library })).toBe(NO_START);
    const [socket] = await again;
    const [, given, fd] = library.calls.find(({ name }) => name === 'krun_add_net_unixstream')?.args ?? [];
    expect([given, typeof fd]).toEqual([null, 'number']);
    libc().close(Number(fd));
    await once(socket.resume(), 'close');
    server.close();
  });

  it('refuses what the library at hand cannot do, by its age and by what it was built with', async () => {
    const readOnly = vm()
      .fs((fs) => fs.root(root).readOnly())
      .devices((d) => d.sound())
      .build();
    const library = stubLibkrun({ version: '1.17.4', features: ['BLK', 'NET'] });
    expect(await refusal(readOnly, { library })).toMatchInlineSnapshot(`
      "BuilderError: this libkrun cannot keep the guest from writing to ROOT; use libkrun 1.18 or newer, or share it writable
      this libkrun was built without sound; use one that was built with SND=1; \`krun doctor\` shows which one is used"
    `);
  });

  it('refuses a guest kernel that comes too late for a loaded library', async () => {
    const built = small.kernel((k) => k.krunfwPath('/opt/libkrunfw.so.5')).build();
    expect(await refusal(built, { library: stubLibkrun() })).toMatch(/^BuilderError: kernel\.krunfwPath: /);
  });
});
