import { describe, expect, test } from 'vitest';
import { complaints, resolveText, webFile } from './support.ts';

describe('a mistake in one machine', () => {
  test('cannot be missed: all are told at once', () => {
    const file = `machines:
  web:
    cpus: 99
    memory: 12MiB
    working_dir: srv
    restart: alway
    stop_signal: SIGTREM
    stop_grace_period: "10"
    hostname: -x-
    rlimits: { nofile: { soft: 4096, hard: 1024 }, nproc: { soft: -1, hard: 5 } }
    boot_timeout: 10ms
    logs: { max_size: 10B }
    environment: [NOT_SET]
`;
    const { project, text } = resolveText(file);
    expect(project).toBeUndefined();
    expect(text).toMatchInlineSnapshot(`
      "
      2:3 error missing-key: machine \`web\` has no root
          hint: name a directory with the root file system, such as \`root: ./rootfs\`
      3:11 warning limit: 99 CPUs are reduced to 8: this host has 8
      4:13 error limit: 12 MiB of memory cannot hold the guest kernel: a guest needs 64 MiB
          hint: write 128MiB or more
      2:3 error missing-key: machine \`web\` has no command
          hint: say what runs in it, such as \`command: [/bin/httpd, -f]\`
      13:19 warning unset-variable: the variable \`NOT_SET\` is not set and is left out of the guest
          hint: set NOT_SET, or give it a value here
      5:18 error path: "srv" is not an absolute path in the guest
          hint: did you mean \`/srv\`?
      9:15 error invalid-value: "-x-" is not a host name
          hint: use 1 to 64 letters, digits, hyphens and dots, with a letter or a digit at both ends
      10:24 error conflict: the soft limit 4096 of \`nofile\` is above the hard limit 1024
          hint: raise \`hard\`, or lower \`soft\`
      10:59 error conflict: the soft limit -1 (unlimited) of \`nproc\` is above the hard limit 5
          hint: raise \`hard\`, or lower \`soft\`
      6:14 error invalid-value: "alway" is not a restart policy
          hint: did you mean \`always\`?
      7:18 error invalid-value: "SIGTREM" is not a signal of Linux
          hint: did you mean \`SIGTERM\`?
      8:24 error invalid-value: the duration "10" has no unit
          hint: did you mean \`10s\`?
      11:19 error limit: no guest boots in less than a second
          hint: write 10s or more
      12:23 error limit: a log file of less than 1 KiB holds nothing
          hint: write a size such as 10MiB
      "
    `);
  });

  test('in the words of a command', () => {
    expect(complaints("entrypoint: sh -c 'echo")).toMatchInlineSnapshot(`
      "
      5:17 error invalid-value: a single quote (') is not closed
          hint: close the quotes, or write the command as a list of words
      "
    `);
    expect(complaints('entrypoint: [""]')).toMatchInlineSnapshot(`
      "
      5:17 error invalid-value: the first word is the program and cannot be empty
      "
    `);
    expect(complaints("build: { command: 'a \"' }")).toMatchInlineSnapshot(`
      "
      5:23 error invalid-value: a double quote (") is not closed
          hint: close the quotes, or write the command as a list of words
      "
    `);
  });

  test('in a root', () => {
    const root = (value: string): string =>
      resolveText(`machines:\n  web:\n    root: ${value}\n    command: [x]\n`).text;
    expect(root('{ disk: system }')).toMatchInlineSnapshot(`
      "
      3:19 error unknown-reference: there is no disk \`system\`
          hint: add \`system\` to \`disks\`
      "
    `);
    expect(root('{ disk: ./a.img, device: /dev/vdb, options: "a b" }')).toMatchInlineSnapshot(`
      "
      3:36 error invalid-value: the root disk is /dev/vda in the guest, not "/dev/vdb"
          hint: write /dev/vda, or a partition such as /dev/vda1
      3:55 error invalid-value: "a b" cannot be passed to the guest kernel
          hint: use printable ASCII without spaces and double quotes
      "
    `);
    expect(resolveText('machines:\n  web:\n    root: ~/r\n    command: [x]\n', { environment: {} }).text)
      .toMatchInlineSnapshot(`
      "
      3:11 error path: "~/r" starts in the home directory, and HOME is not set
          hint: write the whole path
      "
    `);
  });

  test('in shares', () => {
    const shares =
      'shares: ["./a:/app", "./b:/app/", "./c:/", "./d:/proc/x", { source: ./e }, { source: ./f, target: /g, tag: app }]';
    expect(complaints(shares)).toMatchInlineSnapshot(`
      "
      5:26 error conflict: two shares have the target \`/app\`
          5:14 the first share is here
          hint: change one of them
      5:39 error path: a share cannot replace the root of the guest
          hint: use \`root\` for that
      5:48 error path: the guest's kernel owns /proc: nothing can be shared there
      5:63 error missing-key: the share has neither \`target\` nor \`tag\`
          hint: say where it is mounted in the guest, such as \`target: /app\`
      5:80 error conflict: two shares have the tag \`app\`
          5:14 the first share is here
          hint: change one of them
      "
    `);
    expect(complaints(`shares: [{ source: ./a, tag: ${'ä'.repeat(20)} }]`)).toMatchInlineSnapshot(`
      "
      5:34 error limit: the tag has 40 bytes; the most is 36
      "
    `);
  });

  test('in ports', () => {
    expect(complaints('ports: ["8080:80", "8080:81", "8081:80", "1-2:1-3", "70000:1", "9-8:1-2"]'))
      .toMatchInlineSnapshot(`
        "
        5:46 error invalid-value: 2 host ports cannot be joined to 3 guest ports
            hint: write two ranges of one length
        5:57 error invalid-value: "70000" is not a port or a range of ports
            hint: ports are numbers from 1 to 65535, a range is 8000-8010
        5:68 error invalid-value: "9-8" is not a port or a range of ports
            hint: ports are numbers from 1 to 65535, a range is 8000-8010
        5:24 error conflict: host port 8080/tcp is published twice
            5:13 the first time is here
            hint: choose another port, or let krun choose one: \`auto:81\`
        "
      `);
    expect(complaints('ports: ["8080:80/sctp"]')).toMatchInlineSnapshot(`
      "
      5:13 error invalid-value: "sctp" is not a protocol of ports
          hint: write \`tcp\` or \`udp\`
      "
    `);
  });

  test('in networks', () => {
    expect(complaints('networks: [defualt]')).toMatchInlineSnapshot(`
      "
      5:16 error unknown-reference: there is no network \`defualt\`
          hint: did you mean \`default\`?
      "
    `);
    expect(complaints('networks: [defualt]', 'ports: ["8080:80"]')).toBe(complaints('networks: [defualt]'));
    expect(complaints('networks: []', 'ports: ["8080:80"]')).toMatchInlineSnapshot(`
      "
      6:5 error conflict: a machine without network cannot publish ports
          5:5 the network is turned off here
          hint: remove \`ports\`, or put the machine on a network
      "
    `);
    const off = `${webFile('ports: ["8080:80"]')}networks: { default: { driver: none } }\n`;
    expect(resolveText(off).text).toMatchInlineSnapshot(`
      "
      5:5 error conflict: a machine without network cannot publish ports
          6:24 the network is turned off here
          hint: remove \`ports\`, or put the machine on a network
      "
    `);
  });

  test('in disks', () => {
    const file = `${webFile('disks: [dta, seed.img, data, { source: data, format: qcow2 }]')}disks: { data: { size: 0B } }\n`;
    expect(resolveText(file).text).toMatchInlineSnapshot(`
      "
      6:24 error limit: disk \`data\` has no size
          hint: write a size such as 10GiB
      5:13 error unknown-reference: there is no disk \`dta\`
          hint: did you mean \`data\`?
      5:18 error unknown-reference: there is no disk \`seed.img\`
          hint: write \`./seed.img\` for a file
      5:58 error conflict: disk \`data\` is raw, not qcow2
          hint: leave \`format\` out here: \`disks.data.format\` decides
      5:34 error conflict: the machine has the disk \`data\` twice
          hint: remove one of the two
      "
    `);
  });

  test('in what a task or a machine without agent can have', () => {
    expect(complaints('kind: task', 'restart: always')).toMatchInlineSnapshot(`
      "
      6:14 error conflict: a task ends when it is done, so \`restart: always\` cannot hold
          hint: use \`restart: on-failure:N\` for a task, or \`kind: service\`
      "
    `);
    expect(complaints('agent: false', 'shares: ["./a:/a"]', 'environment: { A: "ö" }', 'working_dir: /a b'))
      .toMatchInlineSnapshot(`
      "
      6:5 error conflict: a machine without agent mounts no shares
          5:5 the agent is turned off here
          hint: give the shares a \`tag\` and no \`target\`, and let the program in the guest mount them
      7:5 error conflict: a machine without agent gets its words through the kernel command line, which knows no quoting
          5:5 the agent is turned off here
          hint: use printable ASCII without double quotes
      8:18 error conflict: a machine without agent gets its words through the kernel command line, which knows no quoting
          5:5 the agent is turned off here
          hint: use printable ASCII without double quotes
      "
    `);
  });
});
