import { scanSync } from 'libpg-query';

/** What of a statement may be shown where its literals may not: keywords, identifiers, parameters and operators. */
const KEPT = /^(?:[\p{L}_][\p{L}\p{N}_$]*|"(?:[^"]|"")*"|\$\d+|[-+*/<>=~!@#%^&|`?:.,;()[\]]+)$/u;
const MAX_CHARACTERS = 100_000;

/**
 * A statement without its literals and comments, on one line: every token that is not known to be harmless becomes `?`. Null when the
 * lexer cannot read the text, or it is too long: then nothing of it is shown. For what leaves the gateway; the record has shape.ts, which reads every text. Needs {@link loadParser} (proxy/sql/parse.ts).
 */
export function scannedShapeOf(text: string): string | null {
  if (text.length > MAX_CHARACTERS) return null;
  const bytes = Buffer.from(text, 'utf8');
  let tokens: ReturnType<typeof scanSync>['tokens'];
  try {
    ({ tokens } = scanSync(text));
  } catch {
    return null;
  }
  let shape = '';
  let last = 0;
  for (const { start, end, tokenName } of tokens) {
    const apart = start > last && shape !== '';
    if (tokenName !== 'C_COMMENT' && tokenName !== 'SQL_COMMENT') {
      const token = bytes.subarray(start, end).toString('utf8');
      shape += `${apart ? ' ' : ''}${KEPT.test(token) ? token : '?'}`;
    } else if (apart) shape += ' ';
    last = end;
  }
  return shape.replace(/\s+/g, ' ').trim();
}
