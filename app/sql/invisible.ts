/**
 * Characters that hide or reorder what a reader sees: C0 and C1 controls except tab and newline, bidirectional controls, zero-width
 * and other default-ignorable characters, unusual spaces, line separators, lone surrogates.
 */
const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: each of them is looked for by itself
  /[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|\p{Cs}/gu;

export type TextPart = { type: 'text'; text: string } | { type: 'escape'; text: string; codePoint: number };

/** Splits text into what can be shown as it is and what must be shown escaped, e.g. U+202E as `\u202E`. */
export function visibleParts(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  for (const found of text.matchAll(INVISIBLE)) {
    const codePoint = found[0].codePointAt(0) ?? 0;
    if (found.index > from) parts.push({ type: 'text', text: text.slice(from, found.index) });
    parts.push({ type: 'escape', text: escapeText(codePoint), codePoint });
    from = found.index + found[0].length;
  }
  if (from < text.length) parts.push({ type: 'text', text: text.slice(from) });
  return parts;
}

export const countInvisible = (text: string): number => text.match(INVISIBLE)?.length ?? 0;

/** One line for a table row: white space collapsed, hidden characters escaped. */
export function oneLine(sql: string, maxLength = 240): string {
  const cut = sql.length > maxLength ? `${sql.slice(0, maxLength)}…` : sql;
  return visibleParts(cut.replace(/[ \t\r\n]+/g, ' ').trim())
    .map((part) => part.text)
    .join('');
}

function escapeText(codePoint: number): string {
  const hex = codePoint.toString(16).toUpperCase();
  return codePoint > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
}
