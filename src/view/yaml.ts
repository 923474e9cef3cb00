import { stringify } from 'yaml';

/** A plain value as YAML in block style, without aliases and without line folding. */
export function toYaml(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0, indentSeq: true });
}

/** A plain value as JSON; integers too large for a number are written in full. */
export function toJson(value: unknown): string {
  const large: string[] = [];
  const text = JSON.stringify(
    value,
    (_key, part: unknown) => (typeof part === 'bigint' ? `\u0000${large.push(part.toString()) - 1}` : part),
    2,
  );
  return text.replaceAll(/"\\u0000(\d+)"/g, (_whole, index: string) => large[Number(index)] ?? '') + '\n';
}
