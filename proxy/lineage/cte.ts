import { child, flag, list, names, type SqlNode, text } from '../sql/tree';
import type { Analysis } from './analysis';
import { changeColumns } from './change';
import { queryColumns } from './query';
import { type Cte, type Ctes, type Place, type ScopeColumn, UnresolvedError } from './scope';
import { derived, either, isSame, NONE, type Value } from './value';

/**
 * Puts the names of a WITH in scope. A query is followed when its name is first used and at the latest here at the end, so that names
 * of WITH RECURSIVE may be used before they are defined, and no predicate and no write of an unused one is missed.
 */
export function declareCtes(analysis: Analysis, node: SqlNode, place: Place): Ctes | null {
  const withClause = child(node, 'withClause');
  if (withClause === null) return place.ctes;
  const recursive = flag(withClause, 'recursive');
  const all = new Map<string, Cte>();
  const whole: Ctes = { parent: place.ctes, find: (name) => all.get(name) ?? null };
  let visible: Ctes = { parent: place.ctes, find: () => null };
  for (const item of list(withClause, 'ctes')) {
    const name = text(item, 'ctename') ?? '';
    const cte = declare(analysis, item, { scope: place.scope, ctes: recursive ? whole : visible });
    all.set(name, cte);
    const earlier = new Map(all);
    visible = { parent: place.ctes, find: (wanted) => earlier.get(wanted) ?? null };
  }
  for (const cte of all.values()) cte.columns();
  return whole;
}

function declare(analysis: Analysis, item: SqlNode, place: Place): Cte {
  let columns: readonly ScopeColumn[] | null = null;
  let provisional: readonly ScopeColumn[] | null = null;
  let busy = false;
  return {
    columns() {
      if (columns !== null) return columns;
      if (busy) {
        if (provisional === null) throw new UnresolvedError(`${text(item, 'ctename')} refers to itself before it has columns`, item);
        return [...provisional, ...added(item, provisional).map((column) => ({ ...column, hidden: true }))];
      }
      busy = true;
      const query = child(item, 'ctequery');
      if (query === null) throw new UnresolvedError('a WITH without a query', item);
      if (query.tag !== 'SelectStmt') columns = renamed(item, changeColumns(analysis, query, place));
      else {
        const start = child(query, 'larg');
        if (start !== null && refersTo(query, text(item, 'ctename') ?? '')) {
          // A WITH of the whole is in scope of each part.
          const inner = { scope: place.scope, ctes: declareCtes(analysis, query, place) };
          provisional = renamed(item, queryColumns(analysis, start, inner));
          for (let settled = false; !settled; ) {
            const next = renamed(item, queryColumns(analysis, query, place));
            settled =
              next.length === provisional.length && next.every((column, i) => isSame(column.value, provisional?.[i]?.value ?? NONE));
            provisional = merged(provisional, next);
          }
          columns = extended(analysis, item, provisional);
        } else columns = extended(analysis, item, renamed(item, queryColumns(analysis, query, place)));
      }
      return columns;
    },
  };
}

function merged(before: readonly ScopeColumn[], next: readonly ScopeColumn[]): readonly ScopeColumn[] {
  return next.map((column, i) => ({ name: column.name, value: either([column.value, before[i]?.value ?? column.value]) }));
}

function refersTo(node: SqlNode, name: string): boolean {
  if (node.tag === 'RangeVar') return text(node, 'relname') === name && text(node, 'schemaname') === null;
  for (const field in node) {
    const value = node[field];
    if (typeof value !== 'object') continue;
    for (const item of Array.isArray(value) ? value : [value]) if (refersTo(item as SqlNode, name)) return true;
  }
  return false;
}

function renamed(item: SqlNode, columns: readonly ScopeColumn[]): readonly ScopeColumn[] {
  const given = names(list(item, 'aliascolnames'));
  return columns.map((column, index) => ({ name: given[index] ?? column.name, value: column.value }));
}

/** SEARCH and CYCLE add columns that are made of those they name. */
function added(item: SqlNode, columns: readonly ScopeColumn[]): ScopeColumn[] {
  const search = child(item, 'search_clause');
  const cycle = child(item, 'cycle_clause');
  const ordinals =
    search === null ? [] : [{ name: text(search, 'search_seq_column') ?? '', value: listed(search, 'search_col_list', columns) }];
  if (cycle === null) return ordinals;
  const value = listed(cycle, 'cycle_col_list', columns);
  return [...ordinals, ...['cycle_mark_column', 'cycle_path_column'].map((field) => ({ name: text(cycle, field) ?? '', value }))];
}

function listed(clause: SqlNode, field: string, columns: readonly ScopeColumn[]): Value {
  const wanted = names(list(clause, field));
  return derived(columns.filter((column) => wanted.includes(column.name)).map((column) => column.value));
}

/** CYCLE also ends the recursion where its columns repeat, which decides how many rows there are. */
function extended(analysis: Analysis, item: SqlNode, columns: readonly ScopeColumn[]): readonly ScopeColumn[] {
  const cycle = child(item, 'cycle_clause');
  if (cycle !== null) analysis.use(cycle, listed(cycle, 'cycle_col_list', columns), 'other', 'CYCLE');
  return [...columns, ...added(item, columns)];
}
