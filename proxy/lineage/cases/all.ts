import type { ParsedStatement } from '../../sql/parse';
import { CHANGES } from './changes';
import { EXPRESSIONS } from './expressions';
import { NAMES } from './names';
import { QUERIES } from './queries';
import type { LineageCase } from './render';
import { ROWS } from './rows';

export const TABLES: Readonly<Record<string, readonly LineageCase[]>> = {
  'names and scopes': NAMES,
  'expressions, functions and rows': EXPRESSIONS,
  'joins, predicates, groups and windows': QUERIES,
  'row sources, views and utility statements': ROWS,
  'WITH and changes': CHANGES,
};

export const CASES: readonly LineageCase[] = Object.values(TABLES).flat();

/** The statement of a case, and the search_path in front of it. */
export function spelled([line]: LineageCase): { path: readonly string[] | null; sql: string } {
  const match = /^@(\S+) (.*)$/s.exec(line);
  if (match === null) return { path: ['public'], sql: line };
  return { path: match[1] === '?' ? null : (match[1] ?? '').split(','), sql: match[2] ?? '' };
}

/** The text whose description the server gives; null where it describes none of the columns. */
export function queryIn({ node, text }: ParsedStatement): string | null {
  switch (node.tag) {
    case 'PrepareStmt':
    case 'DeclareCursorStmt':
      return text.replace(/^(prepare|declare) .*? (as|for) /i, '');
    case 'CopyStmt':
      return /^copy \((.*)\) to stdout$/i.exec(text)?.[1] ?? null;
    case 'SelectStmt':
      return / into /.test(text) ? null : text;
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
    case 'MergeStmt':
      return text;
    default:
      return null;
  }
}
