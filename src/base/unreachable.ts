/** Ends an exhaustive switch; the compiler rejects the call while a case is missing. */
export function unreachable(value: never): never {
  throw new Error(`Internal error: unexpected ${JSON.stringify(value)}`);
}
