// docs/reference.md: one row per key of krun.yaml, from the schema and the table of what is not supported yet.
import { stringify } from 'yaml';

/** The whole page. */
export function referencePage(schema, rules, notice) {
  const sections = [];
  const top = rowsOf(schema, schema, '', rules);
  sections.push('## Top level', '', ...table(top.filter((row) => !/[.[]/.test(row.path))));
  for (const key of Object.keys(schema.properties)) {
    const rows = top.filter((row) => row.path !== key && row.path.split(/[.[]/)[0] === key);
    if (rows.length > 0) sections.push('', `## ${key}`, '', ...table(rows));
  }
  return `<!-- ${notice} -->

# Reference of krun.yaml

\`*\` stands for a name that you choose, \`[]\` for each item of a list. The column "works" says whether this version
does it; a key that it cannot do yet is refused with a message, never ignored. Every text may contain \`\${VARIABLE}\`;
numbers, \`true\` and \`false\` may therefore also be written as text. Keys that start with \`x-\` are ignored everywhere.

| type | meaning |
|---|---|
| size | ${schema.$defs.Size.description} |
| duration | ${schema.$defs.Duration.description} |
| words | ${schema.$defs.Words.description} |
| environment | ${schema.$defs.Environment.description} |

${sections.join('\n')}
`;
}

function rowsOf(node, schema, path, rules) {
  const resolved = resolve(node, schema);
  const rows = [];
  const properties = resolved.properties ?? {};
  for (const [key, child] of Object.entries(properties)) {
    const childPath = path === '' ? key : `${path}.${key}`;
    const required = resolved.required?.includes(key) ? ', required' : '';
    rows.push({
      path: childPath,
      type: typeName(child, schema) + required,
      description: child.description ?? resolve(child, schema).description,
      example: (child.examples ?? []).map(flow).join(' or '),
      works: works(childPath, rules),
    });
    // Siblings of one kind, such as the limits of `rlimits`, are spelt out once.
    const alike = Object.keys(properties).filter(
      (other) => child.$ref && properties[other].$ref === child.$ref,
    );
    if (alike.length < 5) rows.push(...rowsOf(child, schema, childPath, rules));
    else if (alike[0] === key) rows.push(...rowsOf(child, schema, `${path}.*`, rules));
  }
  if (!SCALAR_NAMES[refName(node)]) {
    if (typeof resolved.additionalProperties === 'object') {
      rows.push(...rowsOf(resolved.additionalProperties, schema, `${path}.*`, rules));
    }
    if (resolved.items) rows.push(...rowsOf(resolved.items, schema, `${path}[]`, rules));
  }
  return rows;
}

function works(path, rules) {
  if (rules.some(({ path: rule, only }) => !only && (path === rule || isBelow(path, rule)))) return 'not yet';
  const off = rules.filter(({ only }) => only === '`true`').map(({ path: rule }) => rule);
  if (off.includes(path)) return 'only `false`';
  if (off.some((rule) => isBelow(path, rule))) return 'not yet';
  const parts = rules.filter(({ path: rule, only }) => only && path === rule.replace(/\[\]$/, ''));
  return parts.length === 0 ? 'yes' : `yes, except: ${parts.map(({ only }) => only).join('; ')}`;
}

function isBelow(path, pattern) {
  return path.startsWith(`${pattern}.`) || path.startsWith(`${pattern}[`);
}

const SCALAR_NAMES = {
  Bool: 'true or false',
  Count: 'whole number',
  PositiveCount: 'whole number from 1',
  Limit: 'whole number or -1',
  Size: 'size',
  Duration: 'duration',
  Words: 'words',
  TextOrList: 'text or list',
  Environment: 'environment',
  GuestPath: 'absolute path',
  Mode: 'octal mode',
};

function typeName(node, schema) {
  const known = SCALAR_NAMES[refName(node)];
  if (known) return known;
  const resolved = resolve(node, schema);
  if (resolved.enum) return resolved.enum.map((value) => `\`${value}\``).join(', ');
  const types = [resolved.type].flat();
  return types
    .map((type) => formName(type, types, resolved, schema))
    .filter(Boolean)
    .join(' or ');
}

function formName(type, types, resolved, schema) {
  if (type === 'array') return `list of ${typeName(resolved.items, schema)}`;
  if (type === 'object') return 'map';
  if (type === 'integer') return 'number';
  if (type === 'boolean') return 'true or false';
  if (type === 'null') return 'nothing';
  // A number or a truth value may be text only because `${VARIABLE}` leaves text behind.
  return types.includes('boolean') || (types.includes('integer') && resolved.pattern) ? '' : 'text';
}

function refName(node) {
  return node.$ref?.replace('#/$defs/', '');
}

function resolve(node, schema) {
  return node.$ref ? schema.$defs[refName(node)] : node;
}

function flow(value) {
  const text = stringify(value, {
    collectionStyle: 'flow',
    lineWidth: 0,
    flowCollectionPadding: false,
  }).trim();
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function table(rows) {
  const cell = (text) => text.replaceAll(/(?<!\\)\|/g, '\\|');
  return [
    '| key | type | meaning | example | works |',
    '|---|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| \`${row.path}\` | ${cell(row.type)} | ${cell(row.description)} | ${row.example} | ${row.works} |`,
    ),
  ];
}
