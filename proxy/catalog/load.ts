import type pg from 'pg';
import {
  CASTS,
  COLUMNS,
  FINGERPRINT,
  FOREIGN_KEYS,
  FUNCTION_BODIES,
  FUNCTIONS,
  INHERITANCE,
  OPERATORS,
  RELATIONS,
  SESSION,
  TYPES,
  VIEWS,
} from './queries';
import type { CatalogSnapshot, Column, DefinedObject, ForeignKey, FunctionInfo, Relation, RelationKind, TypeInfo, UserCast } from './types';

/**
 * Reads the catalog in one REPEATABLE READ transaction, so that a snapshot is never half of two states. The client's session is
 * left as it was. Throws what `pg` throws; version is 0 until a keeper numbers it.
 */
export async function loadCatalog(client: pg.ClientBase): Promise<CatalogSnapshot> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    const snapshot = await readCatalog(client);
    await client.query('COMMIT');
    return snapshot;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** A short text that changes whenever an object that matters to analysis is created, changed or dropped. */
export async function catalogFingerprint(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ fingerprint: string }>(FINGERPRINT);
  return rows[0]?.fingerprint ?? '';
}

async function readCatalog(client: pg.ClientBase): Promise<CatalogSnapshot> {
  const rowsOf = async <T extends pg.QueryResultRow>(sql: string): Promise<T[]> => (await client.query<T>(sql)).rows;
  const [session] = await rowsOf<SessionRow>(SESSION);
  if (session === undefined) throw new Error('the upstream did not describe its session');
  await client.query('SET LOCAL search_path = pg_catalog');
  const fingerprint = await catalogFingerprint(client);
  const columns = groupBy(await rowsOf<ColumnRow>(COLUMNS), (row) => row.relation);
  const inheritance = await rowsOf<{ child: number; parent: number }>(INHERITANCE);
  const parents = groupBy(inheritance, (row) => row.child);
  const children = groupBy(inheritance, (row) => row.parent);
  const keys = groupBy(await rowsOf<ForeignKey & { relation: number }>(FOREIGN_KEYS), (row) => row.relation);
  const views = new Map((await rowsOf<{ oid: number; definition: string }>(VIEWS)).map((row) => [row.oid, row.definition]));
  const relations = (await rowsOf<RelationRow>(RELATIONS)).map(
    (row): Relation => ({
      ...row,
      columns: (columns.get(row.oid) ?? []).map(({ relation: _, ...column }): Column => column),
      definition: views.get(row.oid) ?? null,
      parents: (parents.get(row.oid) ?? []).map((edge) => edge.parent),
      children: (children.get(row.oid) ?? []).map((edge) => edge.child),
      foreignKeys: (keys.get(row.oid) ?? []).map(({ relation: _, ...key }): ForeignKey => key),
    }),
  );
  const bodies = new Map((await rowsOf<{ oid: number; source: string | null }>(FUNCTION_BODIES)).map((row) => [row.oid, row.source ?? '']));
  const functions = (await rowsOf<Omit<FunctionInfo, 'source'>>(FUNCTIONS)).map(
    (row): FunctionInfo => ({ ...row, source: bodies.get(row.oid) ?? null }),
  );
  return {
    version: 0,
    serverVersion: session.serverVersion,
    fingerprint,
    user: { name: session.name, superuser: session.superuser, bypassRls: session.bypassRls },
    searchPath: session.searchPath,
    relations: new Map(relations.map((relation) => [relation.oid, relation])),
    relationsByName: groupBy(relations, (relation) => relation.name),
    functions: groupBy(functions, (item) => item.name),
    operators: await rowsOf<DefinedObject & pg.QueryResultRow>(OPERATORS),
    casts: await rowsOf<UserCast & pg.QueryResultRow>(CASTS),
    types: new Map((await rowsOf<TypeInfo & pg.QueryResultRow>(TYPES)).map((type) => [type.oid, type])),
  };
}

interface SessionRow {
  serverVersion: number;
  name: string;
  superuser: boolean;
  bypassRls: boolean;
  searchPath: string[];
}
interface RelationRow {
  oid: number;
  schema: string;
  name: string;
  kind: RelationKind;
  triggerFunctions: number[];
  hasRules: boolean;
  loopback: boolean;
}
type ColumnRow = Column & { relation: number };

function groupBy<K, V>(rows: readonly V[], key: (row: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group === undefined) groups.set(key(row), [row]);
    else group.push(row);
  }
  return groups;
}
