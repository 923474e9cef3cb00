import { stringify } from 'yaml';

/** A plain value as YAML in block style, without aliases and without line folding. */
export function toYaml(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0, indentSeq: true });
}

/** A plain value as JSON on several lines; integers too large for a number become text. */
export function toJson(value: unknown): string {
  return `${JSON.stringify(value, withoutBigInt, 2)}\n`;
}

/** A plain value as JSON on one line. */
export function toCompactJson(value: unknown): string {
  return JSON.stringify(value, withoutBigInt);
}

function withoutBigInt(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
