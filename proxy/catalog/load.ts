import type pg from 'pg';
import {
  CASTS,
  COLUMNS,
  DOMAIN_CHECKS,
  FINGERPRINT,
  FOLDING_COLLATIONS,
  FOREIGN_KEYS,
  FUNCTION_BODIES,
  FUNCTION_TEXTS,
  FUNCTIONS,
  GENERATED_TEXTS,
  IMPLICIT,
  INDEXES,
  INHERITANCE,
  OPERATORS,
  RELATIONS,
  RULES,
  SESSION,
  TEMPORARY,
  TRIGGERS,
  TYPES,
  VIEW_TEXTS,
} from './queries';
import { LOCK_TIMEOUT_MS, readTexts, TEXTS_BUDGET_MS, type Texts } from './texts';
import type {
  CatalogSnapshot,
  Column,
  DefinedObject,
  ForeignKey,
  FunctionArgument,
  FunctionInfo,
  ImplicitUse,
  Relation,
  RelationKind,
  RewriteRule,
  Trigger,
  TypeInfo,
  UserCast,
} from './types';

/**
 * Reads the catalog in one REPEATABLE READ transaction, so that a snapshot is never half of two states. The client's session is
 * left as it was. No lock of another session is waited for longer than about a second: texts that cannot be read without waiting are
 * `unreadable` and answered for by the safe answer. Throws what `pg` throws; version is 0 until a keeper numbers it.
 */
export async function loadCatalog(client: pg.ClientBase): Promise<CatalogSnapshot> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
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
  const columnRows = await rowsOf<ColumnRow>(COLUMNS);
  const columns = groupBy(columnRows, (row) => row.relation);
  const inheritance = await rowsOf<{ child: number; parent: number }>(INHERITANCE);
  const parents = groupBy(inheritance, (row) => row.child);
  const children = groupBy(inheritance, (row) => row.parent);
  const keys = groupBy(await rowsOf<ForeignKey & { relation: number }>(FOREIGN_KEYS), (row) => row.relation);
  const indexes = groupBy(await rowsOf<IndexRow>(INDEXES), (row) => row.relation);
  const implicit = groupBy(await rowsOf<ImplicitUse & { relation: number }>(IMPLICIT), (row) => row.relation);
  const triggers = groupBy(await rowsOf<Trigger & { relation: number }>(TRIGGERS), (row) => row.relation);
  const rules = groupBy(await rowsOf<RewriteRule & { relation: number }>(RULES), (row) => row.relation);
  const relationRows = await rowsOf<RelationRow>(RELATIONS);
  const functionRows = await rowsOf<FunctionRow>(FUNCTIONS);
  const bodies = new Map((await rowsOf<BodyRow>(FUNCTION_BODIES)).map((row) => [row.oid, row]));
  // What may wait for a lock comes last: the locks that reading takes are then held for as short as can be.
  const endsAtMs = performance.now() + TEXTS_BUDGET_MS;
  const generating = [...new Set(columnRows.filter((row) => row.generated).map((row) => row.relation))];
  const generated = textsByOid(
    await readTexts<TextRow & { number: number }>(client, GENERATED_TEXTS, generating, endsAtMs),
    (row) => row.number,
  );
  const defined = relationRows.filter(isUserView).map((row) => row.oid);
  const definitions = textsByOid(await readTexts<TextRow>(client, VIEW_TEXTS, defined, endsAtMs), () => 0);
  const parsed = [...bodies.values()].filter((row) => row.parsed).map((row) => row.oid);
  const sources = textsByOid(await readTexts<TextRow>(client, FUNCTION_TEXTS, parsed, endsAtMs), () => 0);
  const unreadable: string[] = [];
  const relations = relationRows.map((row): Relation => {
    const definition = isUserView(row) ? (definitions.get(row.oid)?.get(0) ?? '') : null;
    const own = (columns.get(row.oid) ?? []).map(({ relation: _, ...column }): Column => {
      return { ...column, generated: column.generated ? (generated.get(row.oid)?.get(column.number) ?? '') : null };
    });
    if (definition === '' || own.some((column) => column.generated === '')) unreadable.push(`relation ${row.schema}.${row.name}`);
    return {
      ...row,
      columns: own,
      definition,
      parents: (parents.get(row.oid) ?? []).map((edge) => edge.parent),
      children: (children.get(row.oid) ?? []).map((edge) => edge.child),
      foreignKeys: (keys.get(row.oid) ?? []).map(({ relation: _, ...key }): ForeignKey => key),
      keys: (indexes.get(row.oid) ?? []).filter((index) => index.key && !index.columns.includes(0)).map((index) => index.columns),
      indexed: [...new Set((indexes.get(row.oid) ?? []).flatMap((index) => index.columns.slice(0, 1)).filter((number) => number > 0))],
      implicit: (implicit.get(row.oid) ?? []).map(({ relation: _, ...use }): ImplicitUse => use),
      triggers: (triggers.get(row.oid) ?? []).map(({ relation: _, ...trigger }): Trigger => trigger),
      rules: (rules.get(row.oid) ?? []).map(({ relation: _, ...rule }): RewriteRule => rule),
    };
  });
  const functions = functionRows.map((row): FunctionInfo => {
    const body = bodies.get(row.oid);
    const source = body?.parsed ? (sources.get(row.oid)?.get(0) ?? '') : (body?.source ?? '');
    const missing = body?.parsed === true && source === '';
    if (missing) unreadable.push(`function ${row.schema}.${row.name}`);
    const { argumentTypes, argumentModes, argumentNames, ...own } = row;
    const args = argumentTypes.map((typeOid, i): FunctionArgument => {
      return { name: argumentNames?.[i] ?? '', mode: argumentModes?.[i] ?? 'i', typeOid };
    });
    return { ...own, arguments: args, source: body === undefined ? null : source, unreadable: missing, ...configured(body) };
  });
  return {
    version: 0,
    serverVersion: session.serverVersion,
    fingerprint,
    user: { name: session.name, superuser: session.superuser, bypassRls: session.bypassRls },
    searchPath: session.searchPath,
    relations: new Map(relations.map((relation) => [relation.oid, relation])),
    relationsByName: groupBy(
      relations.filter((relation) => relation.kind !== 'c'),
      (relation) => relation.name,
    ),
    temporary: new Set((await rowsOf<{ oid: number }>(TEMPORARY)).map(({ oid }) => oid)),
    formerNames: new Map(),
    functions: groupBy(functions, (item) => item.name),
    operators: await rowsOf<DefinedObject & pg.QueryResultRow>(OPERATORS),
    casts: await rowsOf<UserCast & pg.QueryResultRow>(CASTS),
    foldingCollations: (await rowsOf<{ folds: boolean }>(FOLDING_COLLATIONS))[0]?.folds ?? true,
    domainChecks: new Map((await rowsOf<DomainRow>(DOMAIN_CHECKS)).map((row) => [row.name, row.functions])),
    types: new Map((await rowsOf<TypeInfo & pg.QueryResultRow>(TYPES)).map((type) => [type.oid, type])),
    unreadable,
  };
}

function configured(body: BodyRow | undefined): Pick<FunctionInfo, 'searchPath' | 'defaults'> {
  return { searchPath: body?.searchPath ?? null, defaults: body?.defaults ?? null };
}

function isUserView(row: RelationRow): boolean {
  return (row.kind === 'v' || row.kind === 'm') && row.schema !== 'pg_catalog' && row.schema !== 'information_schema';
}

/** The texts that were read, by OID and by what `part` tells apart in one object. */
function textsByOid<T extends TextRow>({ rows }: Texts<T>, part: (row: T) => number): Map<number, Map<number, string | null>> {
  return new Map([...groupBy(rows, (row) => row.oid)].map(([oid, own]) => [oid, new Map(own.map((row) => [part(row), row.text]))]));
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
  loopback: boolean;
}
interface DomainRow {
  name: string;
  functions: number[];
}
interface IndexRow {
  relation: number;
  columns: number[];
  key: boolean;
}
type ColumnRow = Omit<Column, 'generated'> & { relation: number; generated: boolean };
type FunctionRow = Omit<FunctionInfo, 'arguments' | 'source' | 'unreadable' | 'searchPath' | 'defaults'> & {
  argumentTypes: number[];
  argumentModes: FunctionArgument['mode'][] | null;
  argumentNames: string[] | null;
};
interface TextRow {
  oid: number;
  text: string | null;
}
interface BodyRow {
  oid: number;
  source: string | null;
  parsed: boolean;
  defaults: string | null;
  searchPath: string | null;
}

function groupBy<K, V>(rows: readonly V[], key: (row: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group === undefined) groups.set(key(row), [row]);
    else group.push(row);
  }
  return groups;
}
