/** The explorer, narrowed to words and a time. */
export function lookAt(q: string, { from, to }: { from: Date; to: Date }): string {
  const params = new URLSearchParams({ q, from: from.toISOString(), to: to.toISOString() });
  return `/audit?${params}`;
}

/** A word of the query bar; a value with white space or a quote in it is quoted. */
export const word = (key: string, value: string): string => `${key}:${/[\s":]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value}`;
