import type { CatalogSnapshot, Relation } from '../catalog/types';
import { parseStatements } from '../sql/parse';
import { Analysis, type Use } from './analysis';
import { queryColumns } from './query';
import { UnresolvedError } from './scope';
import type { Source, Value } from './value';

const known = new WeakMap<Relation, ReadonlyMap<number, Value> | null>();
/** Views whose definitions are being read: PostgreSQL lets none read itself. */
const reading = new Set<Relation>();

/**
 * What each column of a view depends on behind the view, by attribute number. Its definition is text that PostgreSQL made itself, with
 * every name qualified that is not its own. Null when it cannot be told: its columns then stand for themselves alone.
 */
export function viewColumns(catalog: CatalogSnapshot, view: Relation): ReadonlyMap<number, Value> | null {
  const before = known.get(view);
  if (before !== undefined) return before;
  if (reading.has(view)) return null;
  reading.add(view);
  let columns: Map<number, Value> | null = null;
  try {
    columns = readView(catalog, view);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  } finally {
    reading.delete(view);
  }
  known.set(view, columns);
  return columns;
}

/** @throws UnresolvedError, SqlSyntaxError, SqlTooComplexError when the definition cannot be followed */
export function readView(catalog: CatalogSnapshot, view: Relation): Map<number, Value> {
  return followView(catalog, view).columns;
}

/** What each of a view's columns depends on, and what decides which rows it has: that is its owner's doing, no statement's that reads it. */
export function followView(
  catalog: CatalogSnapshot,
  view: Relation,
): { columns: Map<number, Value>; uses: readonly Use[]; opaque: readonly string[] } {
  const [parsed] = parseStatements(view.definition ?? '');
  if (parsed === undefined || parsed.unknown.length > 0) throw new UnresolvedError('its definition could not be read');
  const analysis = new Analysis(catalog, ['pg_catalog'], null);
  const outputs = queryColumns(analysis, parsed.node, { scope: null, ctes: null });
  if (outputs.length !== view.columns.length) throw new UnresolvedError('its definition has other columns than it');
  const columns = new Map(
    view.columns.map((column, index) => [column.number, through(outputs[index]?.value, `${view.schema}.${view.name}.${column.name}`)]),
  );
  return { columns, uses: analysis.uses(), opaque: [...analysis.opaque] };
}

function through(value: Value | undefined, column: string): Value {
  const sources = new Map<string, Source>();
  for (const [key, source] of value?.sources ?? []) sources.set(key, { ...source, via: [column, ...source.via] });
  return { sources, fields: null, typeOid: value?.typeOid ?? 0 };
}
