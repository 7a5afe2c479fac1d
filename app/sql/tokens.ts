export type SqlTokenKind = 'keyword' | 'name' | 'string' | 'number' | 'parameter' | 'comment' | 'symbol' | 'space';

export interface SqlToken {
  kind: SqlTokenKind;
  text: string;
}

const KEYWORDS = new Set(
  `all alter analyze and any as asc begin between by call cascade case cast close column commit conflict constraint copy create cross
  current cursor database deallocate declare default delete desc discard distinct do drop else end except execute exists explain extension
  false fetch filter first following for foreign from full function grant group having if ilike in index inner insert intersect into is join
  key last lateral left like limit listen lock materialized merge natural no not nothing notify null nulls offset on only or order outer over
  partition preceding prepare primary procedure program recursive references reindex release rename returning revoke right role rollback row
  rows savepoint schema select sequence set share show similar some start table temp temporary then to transaction trigger true truncate
  union unique unlisten update user using vacuum values verbose view when where window with work`.split(/\s+/),
);

/**
 * Patterns in the order PostgreSQL's scanner would try them. Display only: what runs is the raw text and what decides is the
 * grammar (proxy/sql), so a misread here can colour a word wrongly and nothing more.
 */
const PATTERNS: readonly (readonly [SqlTokenKind, RegExp])[] = [
  ['space', /\s+/y],
  ['comment', /--[^\n]*/y],
  ['string', /\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$[\s\S]*?(?:\$\1\$|$)/y],
  ['parameter', /\$\d+/y],
  ['string', /[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)/y],
  ['string', /(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|$)/y],
  ['name', /(?:[uU]&)?"(?:[^"]|"")*(?:"|$)/y],
  ['number', /(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y],
  ['name', /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y],
  ['symbol', /::|<=|>=|<>|!=|\|\||->>|->|#>>|#>|@>|<@|[\s\S]/y],
];

/** Cuts SQL text for display. The texts of the tokens joined are the input, byte for byte. */
export function sqlTokens(sql: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  let at = 0;
  while (at < sql.length) {
    const token = sql.startsWith('/*', at) ? { kind: 'comment' as const, text: blockComment(sql, at) } : match(sql, at);
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}

function match(sql: string, at: number): SqlToken {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const text = pattern.exec(sql)?.[0];
    if (text === undefined || text === '') continue;
    return { kind: kind === 'name' && KEYWORDS.has(text.toLowerCase()) ? 'keyword' : kind, text };
  }
  return { kind: 'symbol', text: sql.charAt(at) };
}

/** PostgreSQL's block comments nest. */
function blockComment(sql: string, start: number): string {
  let depth = 0;
  for (let at = start; at < sql.length; at++) {
    if (sql.startsWith('/*', at)) {
      depth++;
      at++;
    } else if (sql.startsWith('*/', at)) {
      depth--;
      at++;
      if (depth === 0) return sql.slice(start, at + 1);
    }
  }
  return sql.slice(start);
}
