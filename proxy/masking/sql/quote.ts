/** SQL text of names and values: exact for any that PostgreSQL can hold. */

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export const qualifiedName = (schema: string, name: string): string => `${quoteName(schema)}.${quoteName(name)}`;

/** A string literal that means the same whatever standard_conforming_strings is. */
export function quoteText(value: string): string {
  const doubled = value.replaceAll("'", "''");
  return value.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}
