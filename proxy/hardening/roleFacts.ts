import type pg from 'pg';
import type { ColumnMask } from '../masking/types';
import { VIEW_COMMENT } from './maskingViews';

/** What PostgreSQL says of one role: everything a verdict rests on besides the catalog snapshot and the attempts. */
export interface RoleFacts {
  powers: readonly string[];
  /** Roles it is, directly or not, a member of. */
  memberOf: readonly { name: string; readsMasked: boolean }[];
  /** By relation OID: owner's name, whether the role is or may become the owner. */
  owners: ReadonlyMap<number, { owner: string; own: boolean }>;
  /** `oid.attnum` of masked columns the role has SELECT on. */
  readable: ReadonlySet<string>;
  /** Relations the role may read at least one column of. */
  reads: ReadonlySet<number>;
  /** By relation OID: what it may do to the rows. */
  writes: ReadonlyMap<number, readonly string[]>;
  createIn: readonly string[];
  createSchemas: boolean;
  temporary: boolean;
  /** OIDs of functions that are not PostgreSQL's own. */
  executes: ReadonlySet<number>;
  /** PostgreSQL's own functions for files, large objects on the server and decoding, that it may execute. */
  outside: readonly string[];
  untrusted: readonly string[];
  servers: readonly { name: string; usage: boolean; mapped: boolean; tables: boolean }[];
  wrappers: readonly string[];
  /** `schema.table.column` of masked columns whose statistics it sees. */
  statistics: readonly string[];
  /** Of PostgreSQL's catalogs that hold raw values or secrets. */
  catalogs: readonly string[];
  largeObjects: number;
}

const ROLE = `
select array_remove(array[case when rolsuper then 'SUPERUSER' end, case when rolbypassrls then 'BYPASSRLS' end,
  case when rolreplication then 'REPLICATION' end, case when rolcreaterole then 'CREATEROLE' end,
  case when rolcreatedb then 'CREATEDB' end], null) as powers from pg_roles where rolname = $1`;

const MEMBERSHIPS = `
select r.rolname::text as name, exists (select from unnest($2::oid[], $3::int2[]) as m(relation, number)
         where has_column_privilege(r.oid, m.relation, m.number, 'SELECT')) as "readsMasked"
  from pg_roles r where r.rolname <> $1 and pg_has_role($1::name, r.oid, 'MEMBER') order by 1`;

const OWNERS = `
select c.oid as oid, pg_get_userbyid(c.relowner)::text as owner, pg_has_role($1::name, c.relowner, 'MEMBER') as own
  from pg_class c where c.oid = any($2::oid[])`;

const READABLE = `
select m.relation || '.' || m.number as key from unnest($2::oid[], $3::int2[]) as m(relation, number)
 where has_column_privilege($1::name, m.relation, m.number, 'SELECT')`;

const RELATIONS = `
select c.oid as oid, has_any_column_privilege($1::name, c.oid, 'SELECT') as reads,
       array_remove(array[case when has_any_column_privilege($1::name, c.oid, 'INSERT') then 'insert' end,
         case when has_any_column_privilege($1::name, c.oid, 'UPDATE') then 'update' end,
         case when has_table_privilege($1::name, c.oid, 'DELETE') then 'delete' end,
         case when has_table_privilege($1::name, c.oid, 'TRUNCATE') then 'truncate' end,
         case when has_table_privilege($1::name, c.oid, 'TRIGGER') then 'TRIGGER' end,
         case when has_any_column_privilege($1::name, c.oid, 'REFERENCES') then 'REFERENCES' end], null) as writes
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'`;

const CREATE = `
select n.nspname::text as name from pg_namespace n
 where n.nspname !~ '^pg_(toast|temp)' and has_schema_privilege($1::name, n.oid, 'CREATE') order by 1`;

const DATABASE = `
select has_database_privilege($1::name, current_database(), 'CREATE') as "createSchemas",
       has_database_privilege($1::name, current_database(), 'TEMPORARY') as temporary`;

const EXECUTES = `
select p.oid as oid from pg_proc p where p.pronamespace <> 'pg_catalog'::regnamespace and has_function_privilege($1::name, p.oid, 'EXECUTE')`;

/** What PostgreSQL grants to nobody, or to roles with powers, when it is set up. */
const OUTSIDE = `
select distinct p.proname::text as name from pg_proc p
 where p.pronamespace = 'pg_catalog'::regnamespace and has_function_privilege($1::name, p.oid, 'EXECUTE')
   and (p.proname in ('lo_import', 'lo_export', 'pg_read_file', 'pg_read_binary_file', 'pg_ls_dir', 'pg_stat_file', 'pg_current_logfile',
          'pg_hba_file_rules', 'pg_show_all_file_settings', 'pg_get_backend_memory_contexts')
        or p.proname ~ '^(pg_read_|pg_file_|pg_ls_)')
 order by 1`;

const UNTRUSTED = `
select distinct n.nspname || '.' || p.proname || ' (' || l.lanname || ')' as name
  from pg_proc p join pg_language l on l.oid = p.prolang join pg_namespace n on n.oid = p.pronamespace
 where not l.lanpltrusted and l.lanname <> 'internal' and n.nspname <> 'pg_catalog' and has_function_privilege($1::name, p.oid, 'EXECUTE')
   and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
 order by 1`;

const SERVERS = `
select s.srvname::text as name, has_server_privilege($1::name, s.oid, 'USAGE') as usage,
       exists (select from pg_user_mappings u where u.srvid = s.oid and case when u.umuser = 0 then true else pg_has_role($1::name, u.umuser, 'MEMBER') end) as mapped,
       exists (select from pg_foreign_table f where f.ftserver = s.oid and has_any_column_privilege($1::name, f.ftrelid, 'SELECT')) as tables
  from pg_foreign_server s order by 1`;

const WRAPPERS = `
select w.fdwname::text as name from pg_foreign_data_wrapper w where has_foreign_data_wrapper_privilege($1::name, w.oid, 'USAGE') order by 1`;

/** As the session that asks sees it, so this is read while acting as the role. */
const STATISTICS = `
select c.relnamespace::regnamespace::text || '.' || c.relname || '.' || a.attname as name
  from unnest($1::oid[], $2::int2[]) as m(relation, number)
  join pg_class c on c.oid = m.relation join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = m.relation and a.attnum = m.number
 where exists (select from pg_stats s where s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname) order by 1`;

const CATALOGS = `
select c.relname::text as name from pg_class c
 where c.relnamespace = 'pg_catalog'::regnamespace and has_any_column_privilege($1::name, c.oid, 'SELECT')
   and c.relname in ('pg_statistic', 'pg_statistic_ext_data', 'pg_authid', 'pg_shadow', 'pg_user_mapping')
 order by 1`;

const LARGE_OBJECTS = `
select count(*)::int4 as count from pg_largeobject_metadata m
 where current_setting('lo_compat_privileges') = 'on' or pg_has_role($1::name, m.lomowner, 'MEMBER')
    or exists (select from aclexplode(m.lomacl) as a where a.privilege_type = 'SELECT'
         and case when a.grantee = 0 then true else pg_has_role($1::name, a.grantee, 'MEMBER') end)`;

const VIEW_COMMENTS = `
select c.oid as oid, d.description as comment from pg_catalog.pg_class c
  join pg_catalog.pg_description d on d.classoid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
    and d.objoid operator(pg_catalog.=) c.oid and d.objsubid operator(pg_catalog.=) 0
 where c.relkind operator(pg_catalog.=) 'v' and pg_catalog.starts_with(d.description, $1)`;

/** The comments, by OID, of what says it is a masking view. */
export async function readViewComments(client: pg.ClientBase): Promise<Map<number, string>> {
  const { rows } = await client.query<{ oid: number; comment: string }>(VIEW_COMMENTS, [VIEW_COMMENT]);
  return new Map(rows.map((row) => [row.oid, row.comment]));
}

/** Reads the facts inside the caller's transaction, whose search_path is pg_catalog alone. The role must exist. Throws what `pg` throws. */
export async function readRoleFacts(client: pg.ClientBase, role: string, masks: readonly ColumnMask[]): Promise<RoleFacts> {
  const relations = masks.map((mask) => mask.relationOid);
  const numbers = masks.map((mask) => mask.attributeNumber);
  const rows = async <T extends pg.QueryResultRow>(sql: string, ...more: unknown[]) => (await client.query<T>(sql, [role, ...more])).rows;
  const namesOf = async (sql: string) => (await rows<{ name: string }>(sql)).map((row) => row.name);
  const [attributes] = await rows<{ powers: string[] }>(ROLE);
  const powers = attributes?.powers ?? [];
  const owners = await rows<{ oid: number; owner: string; own: boolean }>(OWNERS, [...new Set(relations)]);
  const readable = await rows<{ key: string }>(READABLE, relations, numbers);
  const rights = await rows<{ oid: number; reads: boolean; writes: string[] }>(RELATIONS);
  const [database] = await rows<{ createSchemas: boolean; temporary: boolean }>(DATABASE);
  const [large] = await rows<{ count: number }>(LARGE_OBJECTS);
  return {
    powers,
    // A superuser is a member of everything: one reason says it.
    memberOf: powers.includes('SUPERUSER') ? [] : await rows<{ name: string; readsMasked: boolean }>(MEMBERSHIPS, relations, numbers),
    owners: new Map(owners.map(({ oid, ...row }) => [oid, row])),
    readable: new Set(readable.map((row) => row.key)),
    reads: new Set(rights.filter((row) => row.reads).map((row) => row.oid)),
    writes: new Map(rights.map((row) => [row.oid, row.writes])),
    createIn: await namesOf(CREATE),
    createSchemas: database?.createSchemas ?? true,
    temporary: database?.temporary ?? true,
    executes: new Set((await rows<{ oid: number }>(EXECUTES)).map((row) => row.oid)),
    outside: await namesOf(OUTSIDE),
    untrusted: await namesOf(UNTRUSTED),
    servers: await rows(SERVERS),
    wrappers: await namesOf(WRAPPERS),
    statistics: (await client.query<{ name: string }>(STATISTICS, [relations, numbers])).rows.map((row) => row.name),
    catalogs: await namesOf(CATALOGS),
    largeObjects: large?.count ?? 0,
  };
}
