import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { FOREIGN_WORDS } from '../../../src/config/foreign-words.ts';
import { UNSUPPORTED_RULES } from '../../../src/config/unsupported-rules.ts';

interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly title?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
}

const url = new URL('../../../schema/krun.schema.json', import.meta.url);
const root = JSON.parse(readFileSync(url, 'utf8')) as Schema;
const definitions = root.$defs ?? {};

const ajv = new Ajv2020({ strict: false });
ajv.addSchema({ $id: 'krun', $defs: definitions });

/** A part of the schema that can be compiled by itself, next to the definitions. */
function withAbsoluteRefs(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"krun#/$defs/')) as Schema;
}

/** Every property that the schema describes, by where it is described. */
function properties(): [string, Schema][] {
  const owners: [string, Schema][] = [['', root], ...Object.entries(definitions)];
  return owners.flatMap(([owner, schema]) =>
    Object.entries(schema.properties ?? {}).map(([key, property]): [string, Schema] => [
      `${owner}.${key}`,
      property,
    ]),
  );
}

function resolve(schema: Schema): Schema {
  const name = schema.$ref?.replace('#/$defs/', '');
  return name === undefined ? schema : (definitions[name] ?? {});
}

/** Schema at a path as in the reference: `machines.*.ports[].host`. */
function schemaAt(path: string): Schema | undefined {
  let schema: Schema | undefined = root;
  const steps = path === '' ? [] : path.replaceAll('[]', '.[]').split('.');
  for (const step of steps) {
    const here: Schema = resolve(schema);
    const anyKey = typeof here.additionalProperties === 'object' ? here.additionalProperties : undefined;
    schema = step === '*' ? anyKey : step === '[]' ? here.items : here.properties?.[step];
    if (!schema) return undefined;
  }
  return resolve(schema);
}

describe('every property of the schema', () => {
  test.each(properties())('%s has a description and examples', (_name, property) => {
    expect(property.description).toMatch(/^[^ ].*[.]$/);
    expect(property.examples?.length).toBeGreaterThan(0);
  });

  test.each(properties())('%s has examples that it accepts itself', (_name, property) => {
    const accepts = ajv.compile(withAbsoluteRefs(property));
    for (const example of property.examples ?? []) {
      expect(accepts(example), `${JSON.stringify(example)}: ${ajv.errorsText(accepts.errors)}`).toBe(true);
    }
  });
});

test('titles are unique, because generated types are named after them', () => {
  const titles = [root, ...Object.values(definitions)].flatMap(({ title }) => title ?? []);
  expect(new Set(titles).size).toBe(titles.length);
});

test.each(UNSUPPORTED_RULES.map(({ path }) => path))('the unsupported path %s exists', (path) => {
  expect(schemaAt(path)).toBeDefined();
});

describe('words of other tools', () => {
  const words = Object.entries(FOREIGN_WORDS).flatMap(([place, entries]) =>
    Object.entries(entries).map(([word, { to }]) => ({ place, word, to })),
  );

  test.each(words)('$word at "$place" is no key there', ({ place, word }) => {
    expect(schemaAt(place)).toBeDefined();
    expect(schemaAt(place)?.properties).not.toHaveProperty([word]);
  });

  test.each(words.filter(({ to }) => to))('$word at "$place" leads to the key $to', ({ place, to }) => {
    expect(schemaAt(place)?.properties).toHaveProperty([to ?? '']);
  });
});
