import type pg from 'pg';
import type { RelationRights, RoleRights, RoutineRights, SequenceRights } from './types';

/** Schemas of the upstream's own people: not PostgreSQL's, not those of temporary objects. */
const USER_SCHEMA = `n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'`;

const SCHEMAS = `
select n.nspname::text as name, has_schema_privilege($1::name, n.oid, 'USAGE') as usage,
       has_schema_privilege('public', n.oid, 'CREATE') as "publicCreate"
  from pg_namespace n where ${USER_SCHEMA} order by 1`;

const RELATIONS = `
select c.oid as oid, has_table_privilege($1::name, c.oid, 'DELETE') as delete,
       ${[
         ['select', '$1::name', 'SELECT'],
         ['insert', '$1::name', 'INSERT'],
         ['update', '$1::name', 'UPDATE'],
         ['"publicSelect"', "'public'", 'SELECT'],
       ]
         .map(
           ([as, who, right]) =>
             `array(select a.attnum::int4 from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                 and has_column_privilege(${who}, c.oid, a.attnum, '${right}') order by 1) as ${as}`,
         )
         .join(', ')}
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm', 'f') and ${USER_SCHEMA}`;

const SEQUENCES = `
select n.nspname::text as schema, c.relname::text as name, has_sequence_privilege($1::name, c.oid, 'USAGE') as usage,
       has_sequence_privilege($1::name, c.oid, 'SELECT') as select
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'S' and ${USER_SCHEMA}
   and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i')
 order by 1, 2`;

const ROUTINES = `
select p.oid as oid, pg_get_function_identity_arguments(p.oid) as identity, has_function_privilege($1::name, p.oid, 'EXECUTE') as execute,
       has_function_privilege('public', p.oid, 'EXECUTE') as "publicExecute"
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${USER_SCHEMA} order by n.nspname, p.proname, 2`;

const DATABASE = `select has_database_privilege('public', current_database(), 'TEMPORARY') as temporary`;

export async function roleExists(client: pg.ClientBase, role: string): Promise<boolean> {
  return (await client.query('select from pg_catalog.pg_roles where rolname = $1', [role])).rowCount === 1;
}

/**
 * Reads what a role may do, whoever asks: privileges are public in PostgreSQL. The role must exist. Runs in a transaction of its own with
 * search_path pinned, so that types in signatures are qualified. Throws what `pg` throws.
 */
export async function readRights(client: pg.ClientBase, role: string): Promise<RoleRights> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    await client.query(`SET LOCAL search_path = pg_catalog; SET LOCAL lock_timeout = '2s'`);
    const schemas = (await client.query<{ name: string; usage: boolean; publicCreate: boolean }>(SCHEMAS, [role])).rows;
    const relations = (await client.query<RelationRights>(RELATIONS, [role])).rows;
    const sequences = (await client.query<SequenceRights>(SEQUENCES, [role])).rows;
    const routines = (await client.query<RoutineRights>(ROUTINES, [role])).rows;
    const [database] = (await client.query<{ temporary: boolean }>(DATABASE)).rows;
    return {
      role,
      usage: schemas.filter((schema) => schema.usage).map((schema) => schema.name),
      publicCreate: schemas.filter((schema) => schema.publicCreate).map((schema) => schema.name),
      publicTemporary: database?.temporary ?? true,
      relations: new Map(relations.map((row) => [row.oid, row])),
      sequences,
      routines,
    };
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}
