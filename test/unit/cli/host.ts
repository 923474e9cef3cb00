import { PassThrough, Writable } from 'node:stream';
import type { Host } from '../../../src/cli/context.ts';

/** A host whose streams are strings. */
export interface TestHost extends Host {
  readonly out: () => string;
  readonly err: () => string;
}

export function createTestHost(more: Partial<Host> = {}): TestHost {
  const stdout = collect();
  const stderr = collect();
  return {
    stdin: new PassThrough(),
    stdout: { stream: stdout.stream, isTty: false, color: false, columns: undefined },
    stderr: { stream: stderr.stream, isTty: false, color: false, columns: undefined },
    env: {},
    cwd: '/nowhere',
    uid: 1000,
    platform: 'linux',
    self: [process.execPath],
    interrupts: { listen: () => () => undefined },
    now: () => Date.parse('2026-01-02T03:04:05Z'),
    out: stdout.text,
    err: stderr.text,
    ...more,
  };
}

function collect(): { readonly stream: Writable; readonly text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { stream, text: () => text };
}
