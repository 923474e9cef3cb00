// docs/libkrun-functions.md: one row per function of libkrun, from the data that the bindings' checks go by.
import { build } from 'esbuild';

const PARTS = {
  BLK: 'disks (`BLK=1`)',
  NET: 'network interfaces (`NET=1`)',
  GPU: 'GPU (`GPU=1`)',
  SND: 'sound (`SND=1`)',
  INPUT: 'input devices (`INPUT=1`)',
  INIT_BLOB: 'an init (`INIT_BLOB=1`, the default)',
  TEE: 'confidential machines',
  virtiofs: 'file systems of the host',
};

/** The whole page. */
export async function libkrunFunctionsPage(root, notice) {
  const { availability, VARIANTS } = await availabilityModule(root);
  const names = Object.keys(availability);
  const head = ['function', 'method', 'since', 'part', ...VARIANTS, 'remarks'];
  const rows = names.map((name) => row(name, availability[name], VARIANTS));
  return `<!-- ${notice} -->

# Functions of libkrun

\`krun/libkrun\` has a method for each of the ${names.length} functions of libkrun 1.x, up to 1.19.3. "since" is the first release with the
function; an older library answers \`NotSupportedByVersion\`. Of another variant, or of a build without the part, it is
\`NotSupportedByVariant\`: also where the function is there and does nothing.

| variant | library | for |
|---|---|---|
| generic | \`libkrun.so.1\`, \`libkrun.1.dylib\` | every host |
| sev | \`libkrun-sev.so.1\` | confidential machines on AMD processors |
| tdx | \`libkrun-tdx.so.1\` | confidential machines on Intel processors |
| efi | \`libkrun-efi.1.dylib\` | machines that boot from firmware; \`krun_set_firmware\` of the generic variant replaces it |

| part | for |
|---|---|
${Object.entries(PARTS)
  .map(([part, what]) => `| ${part} | ${what} |`)
  .join('\n')}

${[head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')}
`;
}

function row(name, { method, of, since, feature, variants, instead, systems }, all) {
  const remarks = [
    ...(instead === undefined ? [] : [`deprecated: use ${instead}`]),
    ...(systems === undefined ? [] : [`${systems} only`]),
  ];
  const has = all.map((variant) => (variants.includes(variant) ? 'yes' : 'no'));
  return [`\`${name}\``, `\`${of}.${method}\``, since, feature ?? '', ...has, remarks.join('; ')];
}

async function availabilityModule(root) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['src/libkrun/availability.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
  });
  const source = Buffer.from(outputFiles[0].contents).toString('base64');
  return await import(`data:text/javascript;base64,${source}`);
}
