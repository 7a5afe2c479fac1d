/** Rows under headings, columns padded, cells on one line of at most `widest` characters each. Without rows, the empty text. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[], widest = 100): string {
  if (rows.length === 0) return '';
  const lines = [headings, ...rows.map((row) => row.map((cell) => oneLine(cell, widest)))];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return `${lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}

/** One line, at most `most` characters, with control and direction-changing characters shown, so that no text can forge a row or a colour. */
export function oneLine(text: string, most: number): string {
  const flat = visible(text.replace(/\s+/g, ' ').trim());
  return flat.length > most ? `${flat.slice(0, most - 1)}…` : flat;
}

/** Control, bidirectional and zero-width characters as `\u{…}`; line breaks and tabs stay. */
export function visible(text: string): string {
  return text.replace(
    /[^\P{C}\n\t]|[\u200b-\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** `2026-11-23 21:04:05Z` */
export const time = (at: Date): string => `${at.toISOString().slice(0, 19).replace('T', ' ')}Z`;
