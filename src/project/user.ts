import type { UserName } from '../config/schema.gen.ts';
import type { Place } from './place.ts';

/** The largest number is no user: it stands for "do not change". */
const LARGEST_ID = 2 ** 32 - 2;

/** Names as `useradd` lets them through; also what directory services add to them. */
const NAME = /^[A-Za-z_][A-Za-z0-9_.@\\-]*\$?$/;

/** `NAME|UID[:GROUP|GID]` in its plain form; a mistake is reported. */
export function resolveUser(value: UserName | undefined, at: Place): string | undefined {
  if (value === undefined) return undefined;
  const parts = String(value).split(':');
  for (const [index, part] of parts.entries()) {
    const what = index === 0 ? 'user' : 'group';
    if (/^\d+$/.test(part)) {
      if (Number(part) > LARGEST_ID) at.error('limit', `the ${what} ${part} is more than ${LARGEST_ID}`);
    } else if (!NAME.test(part)) {
      at.error('invalid-value', `"${part}" is not the name or number of a ${what}`, {
        hint: 'write names or numbers, such as www-data, 1000 or 1000:1000',
      });
    }
  }
  return parts.map((part) => (/^\d+$/.test(part) ? String(Number(part)) : part)).join(':');
}
