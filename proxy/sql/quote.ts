/**
 * SQL text of names and values, exact for any name PostgreSQL can hold, and always on one line: in a script that people read, a name with a
 * line break must not be able to end a comment.
 */

const CONTROL = /[\p{Cc}\u2028\u2029]/u;

/** A quoted identifier; one with control characters is written as `U&"…"`, which PostgreSQL reads as the same name. */
export function quoteName(name: string): string {
  const doubled = name.replaceAll('"', '""');
  if (!CONTROL.test(name)) return `"${doubled}"`;
  return `U&"${doubled.replaceAll('\\', '\\\\').replace(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\${hex(char)}`)}"`;
}

export const qualifiedName = (schema: string, name: string): string => `${quoteName(schema)}.${quoteName(name)}`;

/** A string literal that means the same whatever standard_conforming_strings is. */
export function quoteText(value: string): string {
  const doubled = value.replaceAll("'", "''");
  if (!value.includes('\\') && !CONTROL.test(value)) return `'${doubled}'`;
  return `E'${doubled.replaceAll('\\', '\\\\').replace(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\u${hex(char)}`)}'`;
}

/** A text fit for a `--` comment: what could end the line, or be mistaken for something else, is shown as its code. */
export function inComment(text: string): string {
  return text.replace(/[\p{C}\u2028\u2029]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** A dollar-quoted body, under a tag the body does not hold. */
export function dollarQuoted(body: string): string {
  let tag = 'gatehouse';
  while (body.includes(`$${tag}$`)) tag += '_';
  return `$${tag}$${body}$${tag}$`;
}

const hex = (char: string) => (char.codePointAt(0) ?? 0).toString(16).padStart(4, '0');
