import { execFile } from 'node:child_process';
import { rename, rm, unlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { programPath } from '../rig/support/helpers.ts';
import { until } from '../rig/support/until.ts';
import { startWatch } from '../rig/support/watching.ts';
import { busybox, createGuests, literal } from './support/guest-tools.ts';
import { freePorts } from './support/networks.ts';

const run = promisify(execFile);
const PATIENCE_MS = 120_000;

/** One checksum for the names and contents of all files below a directory. */
const SUMS = 'find . -type f -exec busybox md5sum {} + | LC_ALL=C busybox sort | busybox md5sum';

/** What a server answers, as soon as it is what is wanted or the time is over. */
async function answerOf(url: string, wanted: string): Promise<string> {
  let seen = '';
  await until(
    async () => {
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
        seen = response.ok ? await response.text() : String(response.status);
      } catch (error) {
        seen = (error as Error).message;
      }
      return seen === wanted;
    },
    { timeoutMs: PATIENCE_MS, everyMs: 200 },
  );
  return seen;
}

describe('krun watch and a real guest', () => {
  test('its server answers with what is edited, made, deleted, renamed and switched on the host', async (context) => {
    const [port = 0] = await freePorts(1);
    const web = busybox('mkdir /tmp/www; echo serving; exec httpd -f -p 127.0.0.1:80 -h /tmp/www', {
      networks: ['default'],
      ports: [`${port}:80`],
      develop: { watch: [{ path: './www', action: 'sync', target: '/tmp/www' }] },
    });
    const config = (memory: string): unknown => ({
      machines: { web: { ...web, memory } },
      networks: { default: { driver: 'tsi' } },
    });
    await using project = await createGuests(context, config('256MiB'), {
      files: { 'www/page': 'first', 'www/d/other': 'other' },
    });
    await using watch = startWatch(project, ['watch']);
    await watch.waitForOutput(/^watching 1 rule/m, PATIENCE_MS);
    const page = (name: string): string => `http://127.0.0.1:${port}/${name}`;
    expect(await answerOf(page('page'), 'first')).toBe('first');

    await project.write('www/page', 'edited');
    expect(await answerOf(page('page'), 'edited')).toBe('edited');
    await rename(path.join(project.directory, 'www/d'), path.join(project.directory, 'www/e'));
    expect(await answerOf(page('e/other'), 'other')).toBe('other');
    expect(await answerOf(page('d/other'), '404')).toBe('404');
    await unlink(path.join(project.directory, 'www/page'));
    expect(await answerOf(page('page'), '404')).toBe('404');

    await checkOut(path.join(project.directory, 'www'));
    const wanted = (await run('sh', ['-c', SUMS], { cwd: path.join(project.directory, 'www') })).stdout;
    const inGuest = (): Promise<string> => project.ok(['exec', '-w', '/tmp/www', 'web', 'sh', '-c', SUMS]);
    let seen = '';
    await until(async () => (seen = await inGuest()) === wanted, { timeoutMs: PATIENCE_MS, everyMs: 1000 });
    expect(seen).toBe(wanted);

    const krunYaml = await project.read('krun.yaml');
    await project.write('krun.yaml', krunYaml.replace('256MiB', 'much'));
    await watch.waitForOutput(/krun\.yaml: not valid, so everything goes on as before/, PATIENCE_MS);
    expect(await answerOf(page('d0/f0'), 'file 0')).toBe('file 0');
    await project.write('krun.yaml', krunYaml.replace('256MiB', '280MiB'));
    await watch.waitForOutput(/krun\.yaml: applied, /, PATIENCE_MS);
    // The new machine has all files again.
    expect(await answerOf(page('d49/f2999'), 'file 2999')).toBe('file 2999');
  });

  test('a rule whose command writes into its own folder is paused', async (context) => {
    const web = busybox('exec sleep inf', {
      shares: ['./gen:/gen'],
      develop: {
        watch: [{ path: './gen', action: 'exec', exec: ['sh', '-c', literal('echo $$ >>/gen/made')] }],
      },
    });
    await using project = await createGuests(
      context,
      { machines: { web } },
      { files: { 'gen/source': '1' } },
    );
    await using watch = startWatch(project, ['watch']);
    await watch.waitForOutput(/^watching 1 rule/m, PATIENCE_MS);
    await project.write('gen/source', '2');
    await watch.waitForOutput(
      /web {2}exec of \.\/gen is paused: made changes after each of its cycles/,
      90_000,
    );
  });
});

/** A branch of 3,000 files takes the place of what is there. */
async function checkOut(tree: string): Promise<void> {
  await rm(tree, { recursive: true });
  const script =
    'for d in $(seq 0 49); do mkdir -p "$1/d$d"; done; i=0; while [ $i -lt 3000 ]; do printf "file $i" >"$1/d$((i % 50))/f$i"; i=$((i + 1)); done';
  await run('sh', ['-c', script, 'sh', tree]);
}

/** A root with inotifywait and Node of this host, and the libraries that they need. */
const MKWATCHERS = `#!/bin/sh
set -eu
./mkguest.sh
for program in "$INOTIFYWAIT" "$NODE"; do
  cp -L "$program" rootfs/bin/
  for library in $(ldd "$program" | grep -o '/[^ ]*'); do
    mkdir -p "rootfs\${library%/*}"
    cp -L "$library" "rootfs$library"
  done
done
`;

describe('a share with notify and real watchers in the guest', () => {
  const inotifywait = programPath('inotifywait');

  test.skipIf(!inotifywait)(
    'inotifywait and Node hear of what is edited, made and deleted on the host',
    async (context) => {
      const node = `require('fs').watch('/src', (event, name) => console.log('node', event, name)).once('error', console.error); console.log('node watches')`;
      const script = `inotifywait -m -e modify,attrib,create,delete --format 'inotify %e %f' /src & exec node -e "${node}"`;
      const web = busybox(script, {
        build: {
          command: ['./mkwatchers.sh'],
          inputs: ['mkwatchers.sh'],
          environment: { INOTIFYWAIT: inotifywait, NODE: process.execPath },
        },
        memory: '512MiB',
        shares: [{ source: './src', target: '/src', notify: true }],
      });
      await using project = await createGuests(
        context,
        { machines: { web } },
        { files: { 'src/a.js': '1' } },
      );
      await project.write('mkwatchers.sh', MKWATCHERS, 0o755);
      await using logs = startWatch(project, ['up', '--no-log-prefix', '--no-menu']);
      await logs.waitForOutput(/Watches established/, PATIENCE_MS);
      await logs.waitForOutput(/node watches/, PATIENCE_MS);
      // The first edits may come before everything is watched on the host.
      let edits = 0;
      const edited = async (): Promise<boolean> => {
        await project.write('src/a.js', `edit ${edits++}`);
        return until(() => /^inotify (MODIFY|ATTRIB)\S* a\.js$/m.test(logs.stdout()), { timeoutMs: 2000 });
      };
      expect(await until(edited, { timeoutMs: PATIENCE_MS })).toBe(true);
      await logs.waitForOutput(/^node change a\.js$/m, PATIENCE_MS);
      await project.write('src/new.js', 'new');
      await logs.waitForOutput(/^inotify \S+ new\.js$/m, PATIENCE_MS);
      await unlink(path.join(project.directory, 'src/new.js'));
      await logs.waitForOutput(/^inotify ATTRIB\S* *\S*$/m, PATIENCE_MS);
    },
  );
});
