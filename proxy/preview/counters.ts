import type { TableRows } from '../../db/schema/shapes';

/**
 * Rows that the session's transaction has inserted, updated and deleted so far, by table: what PostgreSQL itself counts for its statistics,
 * so triggers, rules, cascades and functions are in it (pg_stat_get_xact_tuples_*; the same functions from PostgreSQL 13 to 18). Only the
 * growth between two readings in one transaction says anything. No row at all: track_counts is off.
 */
export const TABLE_COUNTERS_SQL = [
  'SELECT c.oid::pg_catalog.int8::pg_catalog.text AS oid, n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name,',
  ' pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid)::pg_catalog.text AS inserted,',
  ' pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)::pg_catalog.text AS updated,',
  ' pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)::pg_catalog.text AS deleted',
  ' FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace',
  ` WHERE c.relkind OPERATOR(pg_catalog.=) 'r'::pg_catalog."char" AND c.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid`,
  ' AND (pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)',
  '  OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)) OPERATOR(pg_catalog.>) 0',
].join('');

/** One row of {@link TABLE_COUNTERS_SQL}, as text. */
export interface CounterRow {
  oid: string;
  schema: string;
  name: string;
  inserted: string;
  updated: string;
  deleted: string;
}

export interface CountedTable extends TableRows {
  oid: number;
  schema: string;
  name: string;
}

/** What changed between two readings, tables that did not change left out, most rows first. Pure. */
export function rowsBetween(before: readonly CounterRow[], after: readonly CounterRow[]): CountedTable[] {
  const earlier = new Map(before.map((row) => [row.oid, row]));
  return after
    .map(({ oid, schema, name, inserted, updated, deleted }): CountedTable => {
      const was = earlier.get(oid);
      const grown = (now: string, then: string | undefined) => Math.max(0, Number(now) - Number(then ?? 0));
      return {
        oid: Number(oid),
        schema,
        name,
        table: `${schema}.${name}`,
        inserted: grown(inserted, was?.inserted),
        updated: grown(updated, was?.updated),
        deleted: grown(deleted, was?.deleted),
      };
    })
    .filter((table) => totalOf(table) > 0)
    .sort((a, b) => totalOf(b) - totalOf(a) || a.table.localeCompare(b.table));
}

export const totalOf = ({ inserted, updated, deleted }: TableRows): number => inserted + updated + deleted;

export const sumOf = (tables: readonly TableRows[]): number => tables.reduce((sum, table) => sum + totalOf(table), 0);
