import { describe, expect, test } from 'vitest';
import { bootsItself, type Boot } from '../../../src/project/boot.ts';
import { machineHash } from '../../../src/project/hash.ts';
import { machineDefinition } from '../../support/definitions.ts';
import { BARE_HOST, MAC_HOST } from '../../support/host-facts.ts';
import { only, resolveText, web } from './support.ts';

const MAC = { host: MAC_HOST, hostArch: 'arm64' } as const;

/** A file with one machine, `web`, that has these keys. */
function file(...keys: string[]): string {
  return `machines:\n  web:\n${keys.map((key) => `    ${key}\n`).join('')}`;
}

describe('who boots by itself', () => {
  const kernel = { kind: 'kernel', path: '/k' } as const;
  test.each<[string, Boot | undefined, 'directory' | 'disk' | 'none', boolean]>([
    ['nobody under the bundled kernel', undefined, 'directory', false],
    ['whom firmware boots', { kind: 'firmware' }, 'disk', true],
    ["who has an init in place of libkrun's", { kind: 'init', path: '/i' }, 'directory', true],
    ['who has an initrd', { ...kernel, initrd: '/r' }, 'directory', true],
    ['who has no root', kernel, 'none', true],
    ['not who has a root alone', kernel, 'directory', false],
    ['not who has a root on a disk alone', kernel, 'disk', false],
    ["whose command line has not libkrun's init", { ...kernel, cmdline: 'root=/dev/vda' }, 'disk', true],
    ['not whose command line has it', { ...kernel, cmdline: 'quiet init=/init.krun' }, 'directory', false],
    ['whose init is called alike', { ...kernel, cmdline: 'init=/init.krun.sh' }, 'directory', true],
  ])('%s', (_name, boot, root, expected) => {
    expect(bootsItself(boot, root)).toBe(expected);
  });
});

describe('a machine that boots by itself', () => {
  test('needs neither root nor command, and has no agent', () => {
    const machine = only(
      resolveText(file('boot: { kernel: ./vmlinux, initrd: ./initrd.img, cmdline: console=ttyS0 }')),
    );
    expect(machine).toMatchObject({
      root: { kind: 'none' },
      boot: { kind: 'kernel', path: '/p/vmlinux', initrd: '/p/initrd.img', cmdline: 'console=ttyS0' },
      command: [],
      agent: false,
    });
  });

  test('is booted by firmware on arm64, from the disk of its root', () => {
    const machine = only(resolveText(file('boot: { firmware: efi }', 'root: { disk: ./fedora.raw }'), MAC));
    expect(machine).toMatchObject({ root: { kind: 'disk' }, boot: { kind: 'firmware' }, agent: false });
    expect(machine.boot).toEqual({ kind: 'firmware' });
  });

  test('has no directory as root under firmware, and is warned without a disk', () => {
    const { text } = resolveText(file('boot: { firmware: ./efi.fd }', 'root: ./rootfs'), MAC);
    expect(text).toMatchInlineSnapshot(`
      "
      4:5 error conflict: firmware boots from a disk, not from a directory
          3:13 it boots firmware because of this
          hint: write \`root: { disk: FILE }\`, and share the directory with \`shares\`
      "
    `);
    expect(resolveText(file('boot: { firmware: ./efi.fd }'), MAC).text).toMatchInlineSnapshot(`
      "
      3:23 warning conflict: the firmware has no disk to boot from
          hint: name one with \`disks\`, or with \`root: { disk: FILE }\`
      "
    `);
  });

  test('is given no sockets of the host where nothing else is installed', () => {
    const boot = 'boot: { kernel: ./vmlinux }';
    expect(only(resolveText(file(boot), { host: BARE_HOST })).networks).toEqual([]);
    expect(resolveText(file(boot, 'ports: ["8080:80"]'), { host: BARE_HOST }).text).toMatchInlineSnapshot(`
      "
      4:5 warning network-exposure: TSI carries the network (auto: neither gvproxy nor passt is installed, and no other machine has a network): every port on which the guest of \`web\` listens is open on the host, at the address that the guest binds
          hint: let programs in the guest bind 127.0.0.1, unless others shall reach them
      4:5 error conflict: the driver \`tsi\` needs the kernel that comes with libkrun
          3:5 this machine boots something else
          hint: install gvproxy or passt, and use one of them as \`driver\`
      "
    `);
  });

  test("takes a command for its own init, which gets what libkrun's would", () => {
    const machine = web('boot: { init: ./init }');
    expect(machine).toMatchObject({
      boot: { kind: 'init', path: '/p/init' },
      command: ['/bin/app'],
      agent: false,
    });
  });
});

test("under a kernel of its own, libkrun's init starts the agent as ever", () => {
  expect(web('boot: { kernel: ./vmlinux, format: elf }')).toMatchObject({
    boot: { kind: 'kernel', path: '/p/vmlinux', format: 'elf' },
    agent: true,
  });
});

test('a read-only root on a disk is one that is mounted so', () => {
  const machine = only(
    resolveText(file('root: { disk: ./a.img, readonly: true, options: noatime }', 'command: /bin/app')),
  );
  expect(machine.root).toMatchObject({ disk: { readOnly: true }, options: 'noatime,ro' });
});

test('an overlay has its parents first', () => {
  const machine = only(
    resolveText(
      file(
        'command: /bin/app',
        'root: { path: ./rootfs, readonly: true, overlay: { directories: [{ path: /a/b, mode: 0700 }, { path: /a }], files: [{ path: /a/b/c, source: ./c, mode: "0400", one_shot: true }] } }',
      ),
    ),
  );
  expect(machine.root).toEqual({
    kind: 'directory',
    path: '/p/rootfs',
    readOnly: true,
    overlay: {
      directories: [
        { path: 'a', mode: 0o755 },
        { path: 'a/b', mode: 0o700 },
      ],
      files: [{ path: 'a/b/c', source: { kind: 'file', path: '/p/c' }, mode: 0o400, isOneShot: true }],
    },
  });
});

test('properties of the machine are read', () => {
  expect(web('nested: true', 'split_irqchip: true', 'uid: 1000', 'gid: "100"')).toMatchObject({
    nested: true,
    splitIrqchip: true,
    hostUid: 1000,
    hostGid: 100,
  });
  const plain = web('nested: false', 'split_irqchip: false');
  expect(plain).toEqual(web());
});

test('a confidential machine has a disk as root, and no agent', () => {
  const machine = only(resolveText(file('root: { disk: ./sealed.img }', 'tee: { config: ./tee.json }')));
  expect(machine).toMatchObject({ teeConfig: '/p/tee.json', agent: false, command: [] });
});

test('what boots makes a machine another machine, and its absence none', () => {
  const hash = machineHash(machineDefinition('web'));
  expect(machineHash(machineDefinition('web', { boot: { kind: 'firmware' } }))).not.toBe(hash);
  expect(machineHash(machineDefinition('web', { nested: true }))).not.toBe(hash);
  expect(machineHash(machineDefinition('web', { hostUid: 0 }))).not.toBe(hash);
});
