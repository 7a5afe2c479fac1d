import type pg from 'pg';
import type { BehindRelations } from './lasting';

const FUNCTIONS_SQL = `
SELECT DISTINCT d.refobjid::int8::text AS oid FROM pg_depend d
WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid >= 16384 AND (
  d.classid = 'pg_attrdef'::regclass AND d.objid IN (SELECT oid FROM pg_attrdef WHERE adrelid = ANY ($1::oid[]))
  OR d.classid = 'pg_constraint'::regclass AND d.objid IN (SELECT oid FROM pg_constraint WHERE conrelid = ANY ($1::oid[]) AND contype <> 't'
    OR contypid IN (SELECT atttypid FROM pg_attribute WHERE attrelid = ANY ($1::oid[])))
  OR d.classid = 'pg_policy'::regclass AND d.objid IN (SELECT oid FROM pg_policy WHERE polrelid = ANY ($1::oid[]))
  OR d.classid = 'pg_class'::regclass AND d.objid IN (SELECT indexrelid FROM pg_index WHERE indrelid = ANY ($1::oid[])))`;

const DRAWS_SQL = `
SELECT a.attrelid::int8::text AS oid, a.attname AS column FROM pg_attribute a
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
  AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) ILIKE '%nextval%')`;

const SETTINGS_SQL = `
SELECT polname AS name FROM pg_policy
WHERE polrelid = ANY ($1::oid[])
  AND (pg_get_expr(polqual, polrelid) ILIKE '%current_setting%' OR pg_get_expr(polwithcheck, polrelid) ILIKE '%current_setting%')`;

/** Reads what stands behind relations, by search_path pg_catalog. @throws whatever `pg` throws */
export async function readBehind(client: pg.ClientBase, oids: readonly number[]): Promise<BehindRelations> {
  const relations = [[...oids]];
  const functions = await client.query<{ oid: string }>(FUNCTIONS_SQL, relations);
  const draws = await client.query<{ oid: string; column: string }>(DRAWS_SQL, relations);
  const settings = await client.query<{ name: string }>(SETTINGS_SQL, relations);
  return {
    functions: functions.rows.map(({ oid }) => Number(oid)),
    draws: draws.rows.map(({ oid, column }) => ({ oid: Number(oid), column })),
    settings: settings.rows.map(({ name }) => name),
  };
}
