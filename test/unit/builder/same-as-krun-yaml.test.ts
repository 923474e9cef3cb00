import { describe, expect, it } from 'vitest';
import { vm, type VmBuilder } from '../../../src/builder/index.ts';
import { calls } from '../../../src/machine/configure.ts';
import { projectLayout } from '../../../src/store/layout.ts';
import type { Endpoint } from '../../../src/store/records.ts';
import { machineSpec } from '../../../src/supervisor/machine-spec.ts';
import { formatCall } from '../../../src/vm/calls.ts';
import { load, textOf } from '../config/support/load.ts';
import { without } from '../machine/specs.ts';

const layout = projectLayout('/p', undefined, { XDG_RUNTIME_DIR: '/run/user/1', HOME: '/home/u' }, 1000);

/** The calls of the machine `web` of a krun.yaml, as its process would make them. */
async function callsOfFile(text: string, endpoint: Endpoint): Promise<string> {
  const result = await load({ '/p/krun.yaml': text, '/p/data/': '', '/p/os.img': '', '/p/seed.qcow2': '' });
  const definition = result.project?.machines['web'];
  if (!definition) throw new Error(textOf(result));
  const spec = machineSpec({
    layout,
    project: 'p',
    definition: { ...definition, libkrun: { ...definition.libkrun, library: process.execPath } },
    run: 1,
    endpoint,
    neighbours: [],
  });
  const compiled = calls(spec, without());
  if (!compiled.ok) throw new Error(compiled.error.map(({ message }) => message).join('\n'));
  return compiled.value.map(formatCall).join('\n');
}

/** What krun's machine processes do with output, whoever described the machine. */
const supervised = vm('web')
  .log((l) => l.target({ descriptor: 'log' }))
  .console((c) =>
    c
      .disableImplicit()
      .streams({ input: -1, output: { descriptor: 'stdout' }, error: { descriptor: 'stderr' } }),
  );

const COMMAND = "command: ['/bin/app', '--port', '80']";

describe('the builder makes the calls that krun.yaml makes', () => {
  it.each<[string, string, VmBuilder, Endpoint?]>([
    [
      'a root directory and a command',
      `
        root: ./rootfs
        agent: false
        cpus: 2
        memory: 1GiB
        ${COMMAND}
        working_dir: /srv
        environment: { A: "1" }
        rlimits: { nofile: { soft: 1024, hard: 4096 } }
        networks: []`,
      supervised
        .machine((m) => m.vcpus(2).memoryMiB(1024))
        .fs((fs) => fs.root('/p/rootfs'))
        .exec((e) =>
          e
            .path('/bin/app')
            .args(['--port', '80'])
            .workdir('/srv')
            .env('A', '1')
            .rlimit('nofile', 1024, 4096),
        ),
    ],
    [
      'disks and shares',
      `
        root: ./rootfs
        agent: false
        ${COMMAND}
        disks:
          - ./os.img
          - { source: ./seed.qcow2, readonly: true, sync: none, direct_io: true }
        shares:
          - { source: ./data, tag: data, readonly: true, dax: 1MiB }
        networks: []`,
      supervised
        .fs((fs) => fs.root('/p/rootfs'))
        .disk((d) => d.path('/p/os.img'))
        .disk((d) => d.path('/p/seed.qcow2').format('qcow2').readOnly().sync('none').directIo())
        .fs((fs) =>
          fs
            .tag('data')
            .path('/p/data')
            .readOnly()
            .daxBytes(1024 ** 2),
        )
        .exec((e) => e.path('/bin/app').args(['--port', '80']).workdir('/')),
    ],
    [
      'published ports through TSI',
      `
        root: ./rootfs
        agent: false
        ${COMMAND}
        networks: [out]
        ports: ["8080:80"]`,
      supervised
        .fs((fs) => fs.root('/p/rootfs'))
        .vsock((v) => v.tsi({ ports: [{ host: 8080, guest: 80 }] }))
        .exec((e) => e.path('/bin/app').args(['--port', '80']).workdir('/')),
      {
        interfaces: [],
        ports: [{ host: 8080, hostIp: '0.0.0.0', guest: 80, protocol: 'tcp' }],
      },
    ],
    [
      'a root on a disk',
      `
        root: { disk: ./os.img, device: /dev/vda1, fstype: ext4, options: noatime }
        agent: false
        ${COMMAND}
        networks: []`,
      supervised
        .disk((d) => d.path('/p/os.img'))
        .fs((fs) => fs.rootDevice('/dev/vda1', { fstype: 'ext4', options: 'noatime' }))
        .exec((e) => e.path('/bin/app').args(['--port', '80']).workdir('/')),
    ],
    [
      'a read-only root, nested virtualization, a GPU, a screen and sound',
      `
        root: { path: ./rootfs, readonly: true }
        agent: false
        nested: true
        split_irqchip: true
        gpu: { venus: true, virgl: false, shm: 256MiB }
        display: [{ width: 1920, height: 1080, refresh_rate: 60, dpi: 96 }]
        sound: true
        ${COMMAND}
        networks: []`,
      supervised
        .fs((fs) =>
          // krun.yaml adds what a root that nobody can write to lacks of mount points; /p/rootfs is not there at all.
          fs
            .root('/p/rootfs')
            .readOnly()
            .directory('dev')
            .directory('proc')
            .directory('sys')
            .directory('tmp'),
        )
        .machine((m) => m.nestedVirt().splitIrqchip())
        .devices((d) =>
          d
            .gpu({ flags: ['venus', 'no_virgl'], shmBytes: 256 * 1024 ** 2 })
            .display({ width: 1920, height: 1080, refreshRateHz: 60, dpi: 96 })
            .sound(),
        )
        .exec((e) => e.path('/bin/app').args(['--port', '80']).workdir('/')),
    ],
    [
      'a vsock port at which a program of the host listens',
      `
        root: ./rootfs
        agent: false
        vsock: [{ port: 1024, socket: ./a.sock, direction: connect }]
        ${COMMAND}
        networks: []`,
      supervised
        .fs((fs) => fs.root('/p/rootfs'))
        .vsock((v) => v.port(1024, '/p/a.sock'))
        .exec((e) => e.path('/bin/app').args(['--port', '80']).workdir('/')),
    ],
  ])('of %s', async (_name, machine, builder, endpoint = { interfaces: [], ports: [] }) => {
    const text = `name: p\nnetworks: { out: { driver: tsi } }\nmachines:\n  web:${machine}\n`;
    expect(builder.build().formatCalls(without())).toBe(await callsOfFile(text, endpoint));
  });
});
