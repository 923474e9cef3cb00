import type { DiagnosticCode } from '../base/diagnostic.ts';
import { nearest, quotedList } from '../base/text.ts';
import type { ScalarTree, Tree } from '../source/tree.ts';
import { foreignWord } from './foreign-words.ts';
import { hintForMissing, hintForText, hintForType, suggestName, withSuggestion } from './message-hints.ts';
import type { SchemaError } from './validate.gen.js';
import {
  describeValue,
  expectedForm,
  isHuge,
  keyOf,
  pathText,
  placeOf,
  shortened,
  takesText,
  type SchemaNode,
} from './value-words.ts';

/** What a failed schema keyword means to the person who wrote the value. */
export interface Explanation {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly hint?: string;
  /** Whether the key is what is wrong, or the value. */
  readonly at: 'key' | 'value';
  /** Key below the failed map that is meant: an unknown one, or a bad name. */
  readonly key?: string;
  /** Key that the reader will write once told; its absence needs no message of its own. */
  readonly suggests?: string;
}

/** Explains one error; none for keywords that only sum up others. `value` is what the file has there. */
export function explain(error: SchemaError, value: Tree | undefined): Explanation | undefined {
  // One cast: ajv hands on the schema that was compiled from our own file.
  const schema = error.parentSchema as SchemaNode;
  return explanations[error.keyword]?.(error, schema, value?.kind === 'scalar' ? value : undefined);
}

type Explain = (error: SchemaError, schema: SchemaNode, written: ScalarTree | undefined) => Explanation;

const explanations: Readonly<Record<string, Explain>> = {
  type: wrongType,
  pattern: (error, schema, written) =>
    error.propertyName === undefined ? badText(error, schema, written) : badName(error, schema),
  enum: badChoice,
  minimum: (error) => outOfRange(error, `the smallest value is ${error.params['limit']}`),
  maximum: (error) => outOfRange(error, `the largest value is ${error.params['limit']}`),
  additionalProperties: unknownKey,
  required: (error) => missingKey(error, String(error.params['missingProperty'])),
  minProperties: (error) => ({
    code: 'missing-key',
    message: `${pathText(error.instancePath)} is empty`,
    hint: hintForMissing(error.instancePath, 'NAME'),
    at: 'key',
  }),
  oneOf: notExactlyOne,
  not: forbidden,
};

function wrongType(error: SchemaError, schema: SchemaNode, written: ScalarTree | undefined): Explanation {
  const path = pathText(error.instancePath);
  const expected = expectedForm(schema);
  if (isHuge(error.data)) {
    const text = shortened(written?.source ?? String(error.data));
    return {
      code: 'invalid-value',
      message: `${path} is too large: ${text}`,
      hint: takesText(schema, text) ? `put it in quotes: "${text}"` : `write ${expected}`,
      at: 'value',
    };
  }
  if (error.data === null) {
    const hint = hintForMissing(error.instancePath, '');
    return { code: 'wrong-type', message: `${path} has no value: it must be ${expected}`, hint, at: 'key' };
  }
  const hint = hintForType(error, schema, written?.source);
  return {
    code: 'wrong-type',
    message: `${path} must be ${expected}, not ${describeValue(error.data)}`,
    ...(hint !== undefined && { hint }),
    at: 'value',
  };
}

function badText(error: SchemaError, schema: SchemaNode, written: ScalarTree | undefined): Explanation {
  const hint = hintForText(error, schema);
  return {
    code: 'invalid-value',
    message: `${pathText(error.instancePath)} cannot be ${describeValue(error.data)}${originOf(written)}`,
    ...(hint !== undefined && { hint }),
    at: 'value',
  };
}

/** Names the variables behind a value, which its place in the file does not show. */
function originOf(written: ScalarTree | undefined): string {
  const names = (written?.variables ?? []).map(({ name }) => name);
  return names.length === 0 ? '' : `, the value of ${quotedList(names, 'and')}`;
}

function badName(error: SchemaError, schema: SchemaNode): Explanation {
  const name = error.propertyName ?? '';
  return {
    code: 'invalid-value',
    message: `"${shortened(name)}" is not a name that ${pathText(error.instancePath)} can have`,
    hint: withSuggestion(schema.patternErrorMessage ?? '', suggestName(name, schema.pattern)),
    at: 'key',
    key: name,
  };
}

function badChoice(error: SchemaError, schema: SchemaNode, written: ScalarTree | undefined): Explanation {
  const choices = (schema.enum ?? []).map(String);
  const near = typeof error.data === 'string' ? nearest(error.data, choices) : undefined;
  const list = `write ${quotedList(choices, 'or')}`;
  return {
    code: 'invalid-value',
    message: `${pathText(error.instancePath)} cannot be ${describeValue(error.data)}${originOf(written)}`,
    hint: near === undefined ? list : `did you mean \`${near}\`?`,
    at: error.data === null ? 'key' : 'value',
  };
}

function outOfRange(error: SchemaError, limit: string): Explanation {
  return {
    code: 'invalid-value',
    message: `${pathText(error.instancePath)} cannot be ${String(error.data)}: ${limit}`,
    at: 'value',
  };
}

function unknownKey(error: SchemaError, schema: SchemaNode): Explanation {
  const key = String(error.params['additionalProperty']);
  const keys = Object.keys(schema.properties ?? {});
  const word = foreignWord(placeOf(error.instancePath), key);
  const near = word ? word.to : nearest(key, keys);
  const list = keys.length <= 12 ? `the keys here are ${quotedList(keys, 'and')}` : undefined;
  const hint = word?.say ?? (near === undefined ? list : `did you mean \`${near}\`?`);
  const place = error.instancePath === '' ? '' : ` in ${pathText(error.instancePath)}`;
  return {
    code: 'unknown-key',
    message: `unknown key \`${key}\`${place}`,
    ...(hint !== undefined && { hint }),
    at: 'key',
    key,
    ...(near !== undefined && { suggests: near }),
  };
}

function missingKey(error: SchemaError, key: string): Explanation {
  const path = error.instancePath;
  return {
    code: 'missing-key',
    message: path === '' ? `there are no \`${key}\`` : `${pathText(path)} has no \`${key}\``,
    hint: hintForMissing(path, key),
    at: 'key',
    suggests: key,
  };
}

/** `root` and its like: a few keys that exclude each other. */
function notExactlyOne(error: SchemaError, schema: SchemaNode): Explanation {
  const keys = (schema.oneOf ?? []).flatMap((branch) => branch.required ?? []);
  const given = keys.filter((key) => Object.hasOwn(Object(error.data), key));
  const path = pathText(error.instancePath);
  if (given.length === 0) {
    return {
      code: 'missing-key',
      message: `${path} has none of ${quotedList(keys, 'and')}`,
      hint: `write one of them`,
      at: 'key',
    };
  }
  return {
    code: 'conflict',
    message: `${path} has ${quotedList(given, 'and')}, which exclude each other`,
    hint: 'keep one of them',
    at: 'key',
    key: given[1] ?? '',
  };
}

function forbidden(error: SchemaError, schema: SchemaNode): Explanation {
  if (error.propertyName !== undefined) {
    return {
      code: 'invalid-value',
      message: `the name \`${error.propertyName}\` is reserved: it already has a meaning inside the guests`,
      hint: `choose another name, such as \`${error.propertyName}-1\``,
      at: 'key',
      key: error.propertyName,
    };
  }
  return {
    code: 'conflict',
    message: schema.errorMessage ?? `${keyOf(error.instancePath)} cannot stand here`,
    hint: schema.patternErrorMessage ?? 'set the `driver`, or remove the key',
    at: 'key',
  };
}
