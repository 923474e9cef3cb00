import { unlink } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { programPath } from '../rig/support/helpers.ts';
import { until } from '../rig/support/until.ts';
import { startWatch } from '../rig/support/watching.ts';
import { busybox, createGuests, literal } from './support/guest-tools.ts';

const PATIENCE_MS = 120_000;

describe('krun watch and a real guest', () => {
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
