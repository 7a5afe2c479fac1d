/** The value of a `key:value` word of the query bar, null when it has none. Quoted values are unquoted. */
export function termOf(query: string, key: string): string | null {
  for (const word of words(query))
    if (word.toLowerCase().startsWith(`${key}:`)) return word.slice(key.length + 1).replace(/^"(.*)"$/, '$1');
  return null;
}

/** The query with `key:value` set, or removed when the value is null; every other word stays as it was typed. */
export function withTerm(query: string, key: string, value: string | null): string {
  const kept = words(query).filter((word) => !word.toLowerCase().startsWith(`${key}:`));
  if (value !== null) kept.unshift(`${key}:${/[\s"]/.test(value) ? `"${value.replaceAll('"', '')}"` : value}`);
  return kept.join(' ');
}

const words = (query: string): string[] => query.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
