import { describe, expect, test } from 'vitest';
import { resolveText } from './support.ts';

describe('dependencies', () => {
  const machines = (lines: string): string =>
    resolveText(
      `machines:\n${lines
        .trim()
        .split('\n')
        .map((line) => line.replace('{', '{ root: ./r, command: [x], '))
        .map((line) => `  ${line.trim()}\n`)
        .join('')}`,
    ).text;

  test('that form cycles are told with every edge', () => {
    expect(
      machines(`
        a: { depends_on: [b] }
        b: { depends_on: { c: { condition: started } } }
        c: { depends_on: [a, d] }
        d: { depends_on: [d] }
        e: { depends_on: [f] }
        f: { depends_on: [e] }
      `),
    ).toMatchInlineSnapshot(`
      "
      5:47 error cycle: machine \`d\` depends on itself
          hint: remove this dependency
      2:47 error cycle: machines depend on each other: a -> b -> c -> a
          3:48 \`b\` depends on \`c\`
          4:47 \`c\` depends on \`a\`
          hint: remove one of these dependencies
      6:47 error cycle: machines depend on each other: e -> f -> e
          7:47 \`f\` depends on \`e\`
          hint: remove one of these dependencies
      "
    `);
  });

  test('that lead nowhere are told with the nearest name', () => {
    expect(
      machines(`
        web: { depends_on: [database, chache] }
        cache: {}
        db: {}
      `),
    ).toMatchInlineSnapshot(`
      "
      2:49 error unknown-reference: there is no machine \`database\`
      2:59 error unknown-reference: there is no machine \`chache\`
          hint: did you mean \`cache\`?
      "
    `);
  });

  test('on machines of inactive profiles are errors, unless they are not required', () => {
    expect(
      machines(`
        a: { depends_on: [debug] }
        b: { depends_on: { debug: { required: false }, ghost: { required: false } } }
        debug: { profiles: [debug] }
      `),
    ).toMatchInlineSnapshot(`
      "
      2:47 error unknown-reference: machine \`debug\` is in no active profile
          hint: use --profile debug, or write \`required: false\`
      3:48 warning unknown-reference: machine \`debug\` is in no active profile; goes on without it
      3:76 warning unknown-reference: there is no machine \`ghost\`; goes on without it
      "
    `);
  });

  test('on the completion of a service get a warning', () => {
    expect(
      machines(`
        a: { depends_on: { b: { condition: completed_successfully } } }
        b: {}
      `),
    ).toMatchInlineSnapshot(`
      "
      2:64 warning conflict: \`b\` is a service, which is not meant to complete
          hint: write \`kind: task\` in \`b\`, or use the condition \`started\`
      "
    `);
  });
});

describe('machines together', () => {
  test('cannot publish one port', () => {
    const file = `machines:
  a: { root: ./r, command: [x], ports: ["8080:80"] }
  b: { root: ./r, command: [x], ports: ["8079-8081:80-82"] }
`;
    expect(resolveText(file).text).toMatchInlineSnapshot(`
      "
      3:41 error conflict: host port 8080/tcp is published twice
          2:41 the first time is here, in \`a\`
          hint: choose another port, or let krun choose one: \`auto:81\`
      "
    `);
  });

  test('cannot write one disk at one time, and can read one', () => {
    const file = (a: string, b: string): string => `machines:
  a: { root: ./r, command: [x], disks: [${a}] }
  b: { root: ./r, command: [x], disks: [${b}] }
disks: { data: { size: 1GiB } }
`;
    expect(resolveText(file('data', 'data')).text).toMatchInlineSnapshot(`
      "
      3:41 error conflict: machines \`a\` and \`b\` use the disk \`data\` at one time
          2:41 \`a\` uses it here
          hint: make it \`readonly: true\` in both, or share a directory with \`shares\`
      "
    `);
    expect(resolveText(file('./x.img', '{ source: /p/x.img, readonly: true }')).text).toContain('conflict');
    const readOnly = '{ source: data, readonly: true }';
    expect(resolveText(file(readOnly, readOnly)).diagnostics).toEqual([]);
  });

  test('can write one disk in turns: a task, and what depends on its completion', () => {
    const file = (condition: string): string => `machines:
  seed: { kind: task, root: ./r, command: [x], disks: [data] }
  db: { root: ./r, command: [x], disks: [data], depends_on: { mid: { condition: started } } }
  mid: { root: ./r, command: [x], depends_on: { seed: { condition: ${condition} } } }
disks: { data: { size: 1GiB } }
`;
    expect(resolveText(file('completed_successfully')).diagnostics).toEqual([]);
    expect(resolveText(file('started')).text).toContain('error conflict: machines `db` and `seed`');
  });

  test('on TSI share the ports of the host', () => {
    const file = `machines:
  a: { root: ./r, command: [x], ports: ["8080:80"] }
  b: { root: ./r, command: [x], networks: [open] }
networks: { default: { driver: tsi }, open: { driver: tsi } }
`;
    const { project, text } = resolveText(file);
    expect(project).toBeDefined();
    expect(text).toMatchInlineSnapshot(`
      "
      2:33 warning network-exposure: every port on which the guest of \`a\` listens is open on the host, at the address that the guest binds
          hint: let programs in the guest bind 127.0.0.1, unless others shall reach them
      3:33 warning network-exposure: every port on which the guest of \`b\` listens is open on the host, at the address that the guest binds
          hint: let programs in the guest bind 127.0.0.1, unless others shall reach them
      2:33 warning network-exposure: 2 machines share the ports of the host: two that listen on one port get each other's connections
          3:33 \`b\` is another
          hint: let each of them listen on ports of its own
      "
    `);
  });
});

test('a profile that no machine has is told', () => {
  const file = 'machines:\n  a: { root: ./r, command: [x], profiles: [debug] }\n';
  expect(resolveText(file, { profiles: ['debgu'] }).text).toMatchInlineSnapshot(`
    "
    - warning unknown-reference: no machine has the profile \`debgu\`
        hint: did you mean \`debug\`?
    "
  `);
});
