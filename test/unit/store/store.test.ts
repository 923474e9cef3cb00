import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readJsonIfPresent, writeFileAtomic } from '../../../src/host/atomic-file.ts';
import { prepareRuntimeDirectory, prepareStateDirectory } from '../../../src/store/directories.ts';
import { EventLog, readEvents } from '../../../src/store/event-log.ts';
import { projectLayout, type Layout } from '../../../src/store/layout.ts';
import { addToIndex, readIndex, removeFromIndex } from '../../../src/store/project-index.ts';
import { readProjectState } from '../../../src/store/record-files.ts';
import { newRecord } from '../../../src/store/records.ts';
import { machineDefinition, tsi } from '../../support/definitions.ts';

let base: string;
let layout: Layout;
const uid = process.getuid?.() ?? 0;

beforeEach(() => {
  base = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'krun-store-')));
  mkdirSync(path.join(base, 'run'), { mode: 0o700 });
  layout = projectLayout(base, undefined, environment(), uid);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function environment(): { XDG_RUNTIME_DIR: string; XDG_DATA_HOME: string } {
  return { XDG_RUNTIME_DIR: path.join(base, 'run'), XDG_DATA_HOME: path.join(base, 'data') };
}

test('the state directory is private and ignores itself for git', async () => {
  expect(await prepareStateDirectory(layout)).toEqual({ ok: true, value: undefined });
  expect(statSync(layout.stateDirectory).mode & 0o777).toBe(0o700);
  expect(readFileSync(path.join(base, '.krun', '.gitignore'), 'utf8')).toBe('*\n');
  writeFileSync(path.join(base, '.krun', '.gitignore'), 'mine\n');
  await prepareStateDirectory(layout);
  expect(readFileSync(path.join(base, '.krun', '.gitignore'), 'utf8')).toBe('mine\n');
});

test('a state directory that cannot be made is told with the next step', async () => {
  writeFileSync(path.join(base, '.krun'), '');
  const result = await prepareStateDirectory(layout);
  expect(result.ok ? '' : result.error.message).toMatch(/^cannot create .*\.krun: E(EXIST|NOTDIR)$/);
});

test('a runtime directory that others can enter, or that is a link, is refused', async () => {
  expect(await prepareRuntimeDirectory(layout, uid)).toEqual({ ok: true, value: undefined });
  chmodSync(path.join(base, 'run', 'krun'), 0o755);
  const open = await prepareRuntimeDirectory(layout, uid);
  expect(open.ok ? '' : open.error.message).toContain('is open to other users (mode 755)');
  rmSync(path.join(base, 'run', 'krun'), { recursive: true });
  symlinkSync(base, path.join(base, 'run', 'krun'));
  const link = await prepareRuntimeDirectory(layout, uid);
  expect(link.ok ? '' : link.error.message).toContain('is a symbolic link');
});

test('a runtime directory of another user is refused', async () => {
  const result = await prepareRuntimeDirectory(layout, uid + 1);
  expect(result.ok ? '' : result.error.message).toContain(`belongs to user ${uid}, not to user ${uid + 1}`);
});

test('a socket path that the kernel would cut off is refused before anything is made', async () => {
  const long = projectLayout(base, undefined, { TMPDIR: `/${'t'.repeat(59)}`, HOME: base }, uid);
  const tooLong = {
    ...long,
    runtimeDirectory: `/${'r'.repeat(100)}`,
    supervisorSocket: `/${'r'.repeat(100)}/s`,
  };
  const result = await prepareRuntimeDirectory(tooLong, uid);
  expect(result.ok ? '' : result.error.message).toMatch(/has \d+ bytes; the operating system allows 103$/);
  expect(existsSync(tooLong.runtimeDirectory)).toBe(false);
});

test('a file is replaced as a whole, for the user alone, and leaves nothing beside it', async () => {
  const file = path.join(base, 'record.json');
  await writeFileAtomic(file, 'old');
  await Promise.all(Array.from({ length: 20 }, (_, n) => writeFileAtomic(file, `new ${n}`)));
  expect(readFileSync(file, 'utf8')).toMatch(/^new \d+$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(base).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  await expect(writeFileAtomic(path.join(base, 'none', 'x'), '')).rejects.toThrow('ENOENT');
});

test('records of a newer krun, and files that are no records, are refused by name', async () => {
  const directory = path.join(layout.machinesDirectory, 'web');
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, 'record.json');
  expect(await readProjectState(layout)).toEqual({ ok: true, value: { project: undefined, machines: {} } });
  writeFileSync(file, JSON.stringify({ schemaVersion: 2 }));
  const newer = await readProjectState(layout);
  expect(newer.ok ? '' : newer.error.message).toBe(
    `${file} was written by a newer krun (state version 2; this krun knows 1)`,
  );
  for (const text of ['', '{', '[]', '"x"', '{}', '{"schemaVersion":1}', '{"schemaVersion":1,"state":{}}']) {
    writeFileSync(file, text);
    const broken = await readProjectState(layout);
    expect(broken.ok ? '' : broken.error.message, text).toBe(`${file} is not a record of krun`);
  }
});

test('a record of a krun before networks is read in the shape of today', async () => {
  const directory = path.join(layout.machinesDirectory, 'web');
  mkdirSync(directory, { recursive: true });
  const { networks: _networks, ports: _ports, watch: _watch, ...then } = machineDefinition('web');
  const old = { ...then, network: { driver: 'tsi', ports: [{ host: 8080, guest: 80, protocol: 'tcp' }] } };
  const record = { ...newRecord(machineDefinition('web'), '1-x', 'now'), definition: old };
  writeFileSync(path.join(directory, 'record.json'), JSON.stringify(record));
  const state = await readProjectState(layout);
  expect(state.ok && state.value.machines['web']?.definition).toEqual(
    machineDefinition('web', tsi({ host: 8080, guest: 80, protocol: 'tcp' })),
  );
});

test('a record that cannot be read is told by name', async () => {
  const file = path.join(layout.machinesDirectory, 'web', 'record.json');
  mkdirSync(file, { recursive: true });
  const result = await readProjectState(layout);
  expect(result.ok ? '' : result.error.message).toMatch(/^cannot read .*: EISDIR$/);
});

test('the index lists the projects of the user, and forgets one that is gone', async () => {
  const entry = { id: layout.id, name: 'shop', directory: base, files: ['krun.yaml'] };
  expect(await readIndex(environment())).toEqual([]);
  await addToIndex(layout, entry);
  await addToIndex(layout, entry);
  writeFileSync(path.join(path.dirname(layout.indexFile), 'broken.json'), '{');
  expect(await readIndex(environment())).toEqual([entry]);
  await removeFromIndex(layout);
  expect(await readIndex(environment())).toEqual([]);
  expect(await readJsonIfPresent(layout.indexFile)).toBeUndefined();
});

test('events are kept up to a size, in order, over a killed writer', () => {
  mkdirSync(layout.stateDirectory, { recursive: true });
  const event = (n: number) => ({ time: `t${n}`, type: 'done', ok: true }) as const;
  new EventLog(layout.eventsFile).append(event(1));
  writeFileSync(layout.eventsFile, '{"time":"t2","ty', { flag: 'a' });
  const log = new EventLog(layout.eventsFile);
  for (let n = 3; n < 60_000; n += 1) log.append(event(n));
  const events = readEvents(layout.eventsFile);
  expect(events.at(-1)?.time).toBe('t59999');
  expect(statSync(layout.eventsFile).size).toBeLessThanOrEqual(1024 * 1024);
  expect(events.length).toBeGreaterThan(20_000);
  const first = Number(events[0]?.time.slice(1));
  expect(events.map(({ time }) => time)).toEqual(
    Array.from({ length: 60_000 - first }, (_, n) => `t${first + n}`),
  );
});
