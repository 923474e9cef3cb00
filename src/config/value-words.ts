import { quotedList } from '../base/text.ts';

/** The keywords of a compiled schema that messages are made from. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly oneOf?: readonly SchemaNode[];
  readonly errorMessage?: string;
  readonly patternErrorMessage?: string;
}

/** Steps of a JSON pointer. */
export function pointerSteps(pointer: string): readonly string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Last step of a JSON pointer. */
export function keyOf(pointer: string): string {
  return pointerSteps(pointer).at(-1) ?? '';
}

/** A value's path as people write it: `machines.web.ports[0]`, in back quotes. */
export function pathText(pointer: string): string {
  const steps = pointerSteps(pointer);
  if (steps.length === 0) return 'the file';
  const text = steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('');
  return `\`${text.slice(1)}\``;
}

/** Path with `*` for chosen names and `[]` for items: `machines.*.ports[]`. */
export function placeOf(pointer: string): string {
  const steps = pointerSteps(pointer);
  return steps
    .map((step, index) => {
      if (/^\d+$/.test(step)) return '[]';
      return holdsNames(steps, index) ? '.*' : `.${step}`;
    })
    .join('')
    .replace(/^\./, '');
}

/** Whether the keys at this depth are names that the user chose. */
function holdsNames(steps: readonly string[], index: number): boolean {
  if (index === 1) return ['machines', 'disks', 'networks', 'secrets', 'configs'].includes(steps[0] ?? '');
  return index === 3 && ['networks', 'depends_on'].includes(steps[2] ?? '');
}

/** What a value must be, in words for people: `text`, `a list or a map`. */
export function expectedForm(schema: SchemaNode): string {
  if (schema.errorMessage !== undefined) return schema.errorMessage;
  if (schema.enum) return quotedList(schema.enum.map(String), 'or');
  const types = [schema.type ?? []].flat().filter((type) => type !== 'null');
  const words = types.map((type) => TYPE_WORDS[type] ?? type);
  return words.join(' or ');
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
};

/** A value as people see it: `the number 5`, `a list`, `"text"`. */
export function describeValue(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  switch (typeof value) {
    case 'object':
      return Object.keys(value).length === 0 ? 'an empty map' : 'a map';
    case 'string':
      return value === '' ? 'empty' : JSON.stringify(shortened(value));
    case 'number':
    case 'bigint':
      return `the number ${shortened(numberText(value))}`;
    case 'boolean':
      return `\`${value}\``;
    default:
      return typeof value;
  }
}

function numberText(value: number | bigint): string {
  if (Number.isNaN(value)) return '.nan';
  if (value === Infinity) return '.inf';
  return value === -Infinity ? '-.inf' : String(value);
}

/** A value's text for a message; long ones are cut. */
export function shortened(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 37)}...`;
}

/** Numbers that JavaScript cannot hold exactly, or at all. */
export function isHuge(value: unknown): boolean {
  return typeof value === 'bigint' || value === Infinity || value === -Infinity;
}

/** Whether quotes around a text would make it right. */
export function takesText(schema: SchemaNode, text: string): boolean {
  if (!schema.type?.includes('string') || schema.type.includes('integer')) return false;
  return schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(text);
}
