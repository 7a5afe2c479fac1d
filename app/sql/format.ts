import { type SqlToken, sqlTokens } from './tokens';

/** Words that begin a line at the depth of their statement. */
const CLAUSES = new Set(
  'select from where having limit offset returning set values union intersect except window using on group order insert update delete with'.split(
    ' ',
  ),
);
const JOINS = new Set(['join', 'left', 'right', 'inner', 'full', 'cross', 'natural']);
/** After these words a clause word continues the phrase: DELETE FROM, DO UPDATE, FOR UPDATE, IS DISTINCT FROM. */
const GLUE = new Set(['delete', 'do', 'for', 'distinct', 'update', 'insert', 'grant', 'revoke', 'on', 'column', 'constraint', 'key']);

interface Scope {
  indent: number;
  /** Indent of the line that opened it, where its closing parenthesis goes. */
  opener: number;
  /** A parenthesis that holds a statement breaks into lines; a list of values stays on its line. */
  breaks: boolean;
}

/**
 * Lays a statement out over lines by changing white space between tokens and nothing else, so no literal, comment or name can read
 * differently from the raw text. A token after a line comment always starts a new line.
 */
export function formatSql(sql: string): string {
  const tokens = sqlTokens(sql.trim());
  const solid = tokens.filter((token) => token.kind !== 'space');
  const spaced = spaceBefore(tokens);
  const scopes: Scope[] = [{ indent: 0, opener: 0, breaks: true }];
  let lineIndent = 0;
  let out = '';
  let between = false;
  for (const [index, token] of solid.entries()) {
    const previous = solid[index - 1];
    const scope = scopes.at(-1) ?? { indent: 0, opener: 0, breaks: true };
    const word = token.kind === 'keyword' ? token.text.toLowerCase() : '';
    let indent: number | null = null;
    if (previous?.kind === 'comment' && previous.text.startsWith('--')) indent = scope.indent;
    else if (previous?.text === ';') indent = scope.indent;
    else if (scope.breaks && index > 0) indent = breakBefore(word, previous, scope, between);
    if (word === 'between') between = true;
    else if (word === 'and' && between) between = false;

    if (token.text === ')') {
      const closed = scopes.length > 1 ? scopes.pop() : undefined;
      if (closed?.breaks) indent = closed.opener;
    }
    if (indent !== null) {
      lineIndent = indent;
      out += `\n${' '.repeat(indent)}${token.text}`;
    } else out += (spaced[index] ? ' ' : '') + token.text;
    if (token.text === '(') {
      const next = solid[index + 1]?.text.toLowerCase();
      const statement = next === 'select' || next === 'with' || next === 'insert' || next === 'update' || next === 'delete';
      scopes.push({ indent: lineIndent + (statement ? 2 : 0), opener: lineIndent, breaks: statement });
      if (statement) {
        lineIndent += 2;
        out += `\n${' '.repeat(lineIndent)}`;
      }
    }
  }
  return out;
}

function breakBefore(word: string, previous: SqlToken | undefined, scope: Scope, between: boolean): number | null {
  if (word === '' || previous === undefined || previous.text === '(') return null;
  const before = previous.text.toLowerCase();
  if (word === 'and' || word === 'or') return between && word === 'and' ? null : scope.indent + 2;
  if (JOINS.has(word)) return JOINS.has(before) || before === 'outer' ? null : scope.indent;
  if (!CLAUSES.has(word)) return null;
  if (word === 'on' || word === 'using') return null;
  if (GLUE.has(before)) return null;
  return scope.indent;
}

/** For each token that is not white space: did white space stand before it? */
function spaceBefore(tokens: readonly SqlToken[]): boolean[] {
  const spaced: boolean[] = [];
  let space = false;
  for (const token of tokens) {
    if (token.kind === 'space') {
      space = true;
      continue;
    }
    spaced.push(space);
    space = false;
  }
  if (spaced.length > 0) spaced[0] = false;
  return spaced;
}
