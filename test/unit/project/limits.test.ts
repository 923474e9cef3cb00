import { describe, expect, test } from 'vitest';
import { complaints, resolveText, web, webFile } from './support.ts';

describe('limits', () => {
  test('of CPUs are those of the host, and of the guest kernel', () => {
    expect(complaints('cpus: 9')).toMatchInlineSnapshot(`
      "
      5:11 warning limit: 9 CPUs are reduced to 8: this host has 8
      "
    `);
    expect(resolveText(webFile('cpus: 64'), { hostCpus: 128 }).text).toMatchInlineSnapshot(`
      "
      5:11 warning limit: 64 CPUs are reduced to 16: the guest kernel uses 16
      "
    `);
    expect(web('cpus: 8').cpus).toBe(8);
  });

  test('of memory are those of libkrun', () => {
    expect(complaints('memory: 63MiB')).toMatchInlineSnapshot(`
      "
      5:13 error limit: 63 MiB of memory cannot hold the guest kernel: a guest needs 64 MiB
          hint: write 128MiB or more
      "
    `);
    expect(complaints('memory: 64MiB')).toMatchInlineSnapshot(`
      "
      5:13 warning limit: 64 MiB of memory leave little beside the guest kernel
          hint: write 128MiB or more
      "
    `);
    expect(complaints('memory: 128MiB')).toBe('\n\n');
    expect(complaints('memory: 512TiB')).toMatchInlineSnapshot(`
      "
      5:13 error limit: 512 TiB of memory is more than libkrun takes
      "
    `);
  });

  const disks = (count: number): string =>
    `disks: [${Array.from({ length: count }, (_, index) => `./d${index}.img`).join(', ')}]`;

  test('of devices are five beside those of krun on x86_64', () => {
    expect(complaints(disks(5))).toBe('\n\n');
    expect(complaints(disks(4), 'shares: ["./a:/a", "./b:/b"]')).toMatchInlineSnapshot(`
      "
      5:5 error limit: machine \`web\` needs 12 devices; a guest on x86_64 has 11: krun itself uses 5 (balloon, rng, console, root file system, control console), disks 4 (/p/d0.img, /p/d1.img, /p/d2.img, /p/d3.img), shares 2 (/a, /b), networks 1 (default)
          hint: remove 1; one share can hold several directories
      "
    `);
    expect(complaints(disks(7), 'networks: []', 'agent: false')).toBe('\n\n');
    expect(resolveText(webFile(disks(6)), { hostArch: 'arm64' }).diagnostics).toEqual([]);
    const block = `machines:\n  web:\n    root: { disk: ./r.img }\n    command: [x]\n    ${disks(5)}\n`;
    expect(resolveText(block).text).toMatchInlineSnapshot(`
      "
      5:5 error limit: machine \`web\` needs 12 devices; a guest on x86_64 has 11: krun itself uses 5 (balloon, rng, console, root file system, control console), disks 6 (root /p/r.img, /p/d0.img, /p/d1.img, /p/d2.img, /p/d3.img, /p/d4.img), networks 1 (default)
          hint: remove 1; one share can hold several directories
      "
    `);
  });
});
