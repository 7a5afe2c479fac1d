/**
 * What the upstream's search_path holds must not change what the gateway reads: SESSION and FINGERPRINT qualify every name, the others
 * run with search_path pinned to pg_catalog. Names and texts are
 * cast to text; OIDs arrive as JavaScript numbers.
 */

export const SESSION = `
select pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as "serverVersion",
       current_user::pg_catalog.text as name,
       r.rolsuper as superuser, r.rolbypassrls as "bypassRls",
       array(select s.schema::pg_catalog.text
               from pg_catalog.unnest(pg_catalog.current_schemas(false)) with ordinality as s(schema, position)
              where s.schema operator(pg_catalog.<>) 'pg_catalog' order by s.position) as "searchPath"
  from pg_catalog.pg_roles r where r.rolname operator(pg_catalog.=) current_user`;

export const RELATIONS = `
select c.oid as oid, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
       (c.relkind = 'f' and coalesce((select not exists (select from unnest(s.srvoptions) as o where o like 'dbname=%' and o <> 'dbname=' || current_database())
          from pg_foreign_table f join pg_foreign_server s on s.oid = f.ftserver where f.ftrelid = c.oid), true)) as loopback
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c') and n.nspname !~ '^pg_(toast|temp)'`;

/** Of all sessions: which of them are whose only their sessions know. */
export const TEMPORARY = `
select c.oid as oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and n.nspname ~ '^pg_temp'`;

export const COLUMNS = `
select a.attrelid as relation, a.attnum::int4 as number, a.attname::text as name, a.atttypid as "typeOid",
       a.attgenerated <> '' as generated
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  join pg_namespace n on n.oid = c.relnamespace
 where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c') and n.nspname !~ '^pg_(toast|temp)'
 order by a.attrelid, a.attnum`;

/**
 * Texts that PostgreSQL makes from a tree of its own, for which it locks every relation that the tree names: these three alone can wait for
 * somebody else's lock on a relation of the upstream. $1 is the OIDs to read.
 */
export const VIEW_TEXTS = 'select oid, pg_get_viewdef(oid) as text from unnest($1::oid[]) as oid';
export const GENERATED_TEXTS = `
select d.adrelid as oid, d.adnum::int4 as number, pg_get_expr(d.adbin, d.adrelid) as text
  from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
 where a.attgenerated <> '' and d.adrelid = any($1::oid[])`;
export const FUNCTION_TEXTS = 'select oid, pg_get_function_sqlbody(oid) as text from unnest($1::oid[]) as oid';

/** What cannot be read now because somebody has, or waits for, a lock that excludes readers: relations, and what PostgreSQL reads with them. */
export const LOCKED = `
with locked as (
  select l.relation as oid from pg_locks l
   where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock' and l.pid is distinct from pg_backend_pid()
     and l.database = (select d.oid from pg_database d where d.datname = current_database()))
select oid from locked
union select r.ev_class from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
 where d.refclassid = 'pg_class'::regclass and d.refobjid in (select oid from locked)
union select d.objid from pg_depend d
 where d.classid = 'pg_proc'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid in (select oid from locked)`;

export const INHERITANCE = 'select inhrelid as child, inhparent as parent from pg_inherits';

export const FOREIGN_KEYS = `
select conrelid as relation, conkey::int4[] as columns, confrelid as "referencedOid", confkey::int4[] as "referencedColumns",
       case confdeltype when 'c' then 'cascade' when 'n' then 'set' when 'd' then 'set' else 'none' end as "onDelete",
       case confupdtype when 'c' then 'cascade' when 'n' then 'set' when 'd' then 'set' else 'none' end as "onUpdate"
  from pg_constraint where contype = 'f'`;

const FOLDS = (oid: string) =>
  `exists (select from pg_collation x where x.oid = ${oid} and not coalesce((to_jsonb(x) ->> 'collisdeterministic')::bool, true))`;

/**
 * Indexes over all rows. `key`: `=` finds at most one row by it, at every moment: it is unique, not deferrable, of plain columns, and equal
 * means the same to it as to `=`, by its operator class and its collation. `columns` has 0 for an expression.
 */
export const INDEXES = `
select i.indrelid as relation,
       array(select u.k::int4 from unnest(i.indkey::int2[]) with ordinality as u(k, n) where u.n <= i.indnkeyatts order by u.n) as columns,
       (i.indisunique and i.indimmediate and not i.indisexclusion and m.amname = 'btree'
        and not exists (select from unnest(i.indclass::oid[]) as u(class) join pg_opclass o on o.oid = u.class
              where not ((o.opcdefault or o.opcname::text like '%pattern_ops') and (o.oid < 16384 or exists (
                select from pg_depend d join pg_extension e on e.oid = d.refobjid
                 where d.classid = 'pg_opclass'::regclass and d.objid = o.oid and d.refclassid = 'pg_extension'::regclass and e.extname = 'citext'))))
        and not exists (select from unnest(i.indkey::int2[], i.indcollation::oid[]) as u(k, coll)
              join pg_attribute a on a.attrelid = i.indrelid and a.attnum = u.k
              where a.attcollation <> u.coll and (${FOLDS('a.attcollation')} or ${FOLDS('u.coll')}))) as key
  from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am m on m.oid = x.relam
  join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
 where i.indisvalid and i.indpred is null and c.relkind in ('r', 'p', 'm') and n.nspname !~ '^pg_(toast|temp)'
   and n.nspname not in ('pg_catalog', 'information_schema')
 order by i.indrelid, not i.indisprimary, i.indnkeyatts, i.indexrelid`;

export const FOLDING_COLLATIONS = `
select exists (select from pg_collation x where not coalesce((to_jsonb(x) ->> 'collisdeterministic')::bool, true)) as folds`;

export const DOMAIN_CHECKS = `
with recursive domains (name, type) as (
  select t.typname::text, t.oid from pg_type t where t.typtype = 'd'
  union select d.name, t.typbasetype from domains d join pg_type t on t.oid = d.type where t.typtype = 'd')
select d.name, array_agg(distinct x.refobjid) as functions
  from domains d join pg_constraint k on k.contypid = d.type
  join pg_depend x on x.classid = 'pg_constraint'::regclass and x.objid = k.oid and x.refclassid = 'pg_proc'::regclass
 where x.refobjid >= 16384 group by d.name`;

/**
 * What stands in defaults, generated columns, CHECKs of tables and of the domains that columns have, expressions and conditions of indexes,
 * and row-level security policies. Only what is not PostgreSQL's own is in pg_depend, and no lock has to be taken to read it there.
 */
export const IMPLICIT = `
with recursive domains (relation, type) as (
  select a.attrelid, t.oid from pg_attribute a join pg_type t on t.oid = a.atttypid and t.typtype = 'd'
   where a.attnum > 0 and not a.attisdropped
  union select d.relation, t.typbasetype from domains d join pg_type o on o.oid = d.type join pg_type t on t.oid = o.typbasetype and t.typtype = 'd'),
holders (relation, "on", classid, objid) as (
  select adrelid, 'write', 'pg_attrdef'::regclass, oid from pg_attrdef
  union all select conrelid, 'write', 'pg_constraint'::regclass, oid from pg_constraint where contype = 'c' and conrelid <> 0
  union all select d.relation, 'write', 'pg_constraint'::regclass, k.oid from domains d join pg_constraint k on k.contypid = d.type
  union all select d.relation, 'write', 'pg_type'::regclass, d.type from domains d
  union all select indrelid, 'write', 'pg_class'::regclass, indexrelid from pg_index where indexprs is not null or indpred is not null
  union all select p.polrelid, 'any', 'pg_policy'::regclass, p.oid from pg_policy p join pg_class c on c.oid = p.polrelid and c.relrowsecurity)
select h.relation, h."on",
       coalesce(array_agg(distinct d.refobjid) filter (where d.refclassid = 'pg_proc'::regclass), '{}') as functions,
       coalesce(array_agg(distinct d.refobjid) filter (where d.refclassid = 'pg_class'::regclass and r.relkind in ('r', 'p', 'v', 'm', 'f')), '{}') as relations
  from holders h
  join pg_depend d on d.classid = h.classid and d.objid = h.objid and d.deptype in ('n', 'a')
   and d.refclassid in ('pg_proc'::regclass, 'pg_class'::regclass) and not (d.refclassid = 'pg_class'::regclass and d.refobjid = h.relation)
  left join pg_class r on d.refclassid = 'pg_class'::regclass and r.oid = d.refobjid
 group by h.relation, h."on"
having bool_or(d.refclassid = 'pg_proc'::regclass) or bool_or(r.relkind in ('r', 'p', 'v', 'm', 'f'))`;

/** Those of PostgreSQL's own functions (referential integrity, tsvector_update_trigger) write nothing that is not known by other means. */
export const TRIGGERS = `
select t.tgrelid as relation, t.tgfoid as "functionOid", t.tgenabled <> 'D' as enabled, t.tgattr::int2[]::int4[] as columns,
       array_remove(array[case when t.tgtype & 4 <> 0 then 'insert' end, case when t.tgtype & 8 <> 0 then 'delete' end,
         case when t.tgtype & 16 <> 0 then 'update' end, case when t.tgtype & 32 <> 0 then 'truncate' end], null) as events
  from pg_trigger t join pg_proc p on p.oid = t.tgfoid
 where p.pronamespace <> 'pg_catalog'::regnamespace`;

/** What a rule names stands in pg_depend, where no lock has to be taken; PostgreSQL's own objects are left out there. */
export const RULES = `
select r.ev_class as relation, case r.ev_type when '1' then 'select' when '2' then 'update' when '3' then 'insert' else 'delete' end as event,
       array(select distinct d.refobjid from pg_depend d where d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
                and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class) as relations,
       array(select distinct d.refobjid from pg_depend d where d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
                and d.refclassid = 'pg_proc'::regclass) as functions
  from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
 where r.ev_enabled <> 'D' and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'`;

export const FUNCTIONS = `
select p.oid as oid, n.nspname::text as schema, p.proname::text as name, l.lanname::text as language,
       case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end as volatility,
       case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' when 'w' then 'window' else 'function' end as kind,
       p.prorettype as "returnTypeOid", p.proretset as "returnsSet", p.prosecdef as "securityDefiner",
       coalesce(p.proallargtypes, p.proargtypes::oid[]) as "argumentTypes", p.proargmodes::text[] as "argumentModes",
       p.proargnames as "argumentNames", e.extname::text as extension
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  join pg_language l on l.oid = p.prolang
  left join pg_depend x on x.classid = 'pg_proc'::regclass and x.objid = p.oid and x.deptype = 'e'
  left join pg_extension e on x.refclassid = 'pg_extension'::regclass and e.oid = x.refobjid`;

/** `parsed`: the body is a tree (BEGIN ATOMIC), its text is among FUNCTION_TEXTS. PostgreSQL 13 has neither such bodies nor the column. */
export const FUNCTION_BODIES = `
select p.oid as oid, p.prosrc as source, p.prosrc = '' and to_jsonb(p) ->> 'prosqlbody' is not null as parsed, pg_get_expr(p.proargdefaults, 0) as defaults,
       (select substr(s, 13) from unnest(p.proconfig) as s where s like 'search\\_path=%') as "searchPath"
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
 where n.nspname not in ('pg_catalog', 'information_schema')`;

export const OPERATORS = `
select n.nspname::text as schema, o.oprname::text as name, e.extname::text as extension
  from pg_operator o
  join pg_namespace n on n.oid = o.oprnamespace
  left join pg_depend x on x.classid = 'pg_operator'::regclass and x.objid = o.oid and x.deptype = 'e'
  left join pg_extension e on x.refclassid = 'pg_extension'::regclass and e.oid = x.refobjid
 where o.oid >= 16384`;

export const CASTS = `
select s.typname::text as source, t.typname::text as target, e.extname::text as extension
  from pg_cast c
  join pg_type s on s.oid = c.castsource
  join pg_type t on t.oid = c.casttarget
  left join pg_depend x on x.classid = 'pg_cast'::regclass and x.objid = c.oid and x.deptype = 'e'
  left join pg_extension e on x.refclassid = 'pg_extension'::regclass and e.oid = x.refobjid
 where c.oid >= 16384`;

export const TYPES = `
select t.oid as oid, n.nspname::text as schema, t.typname::text as name, t.typtype::text as type,
       t.typbasetype as "baseOid",
       case when t.typcategory = 'A' then t.typelem else 0::oid end as "elementOid", t.typcategory::text as category,
       t.typrelid as "relationOid", t.typdelim::text as delimiter, coalesce(r.rngsubtype, m.rngsubtype, 0::oid) as "boundOid",
       case when t.typtype = 'e' then array(select e.enumlabel::text from pg_enum e where e.enumtypid = t.oid order by e.enumsortorder) end as labels
  from pg_type t join pg_namespace n on n.oid = t.typnamespace
  left join pg_range r on t.typtype = 'r' and r.rngtypid = t.oid
  left join pg_range m on t.typtype = 'm' and (to_jsonb(m) ->> 'rngmultitypid')::oid = t.oid
 where n.nspname !~ '^pg_toast'`;

const FINGERPRINTED =
  'class attribute proc rewrite inherits type trigger namespace attrdef cast operator index constraint policy collation'.split(' ');

/**
 * What the role is and holds besides the rights that stand in those catalogs: powers, memberships, the database's own privileges, foreign
 * servers and mappings. Of a superuser the memberships are left out: it has all there are.
 */
const ROLE_RIGHTS = `
(select pg_catalog.concat_ws(',', r.rolsuper, r.rolbypassrls, r.rolreplication, r.rolcreaterole,
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY'),
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
    case when not r.rolsuper then pg_catalog.array_to_string(
      array(select m.oid from pg_catalog.pg_roles m where pg_catalog.pg_has_role(m.oid, 'MEMBER') order by m.oid), '+') end,
    pg_catalog.array_to_string(
      array(select s.oid from pg_catalog.pg_foreign_server s where pg_catalog.has_server_privilege(s.oid, 'USAGE') order by s.oid), '+'),
    pg_catalog.array_to_string(
      array(select w.oid from pg_catalog.pg_foreign_data_wrapper w
             where pg_catalog.has_foreign_data_wrapper_privilege(w.oid, 'USAGE') order by w.oid), '+'),
    (select pg_catalog.count(*) from pg_catalog.pg_user_mappings))
   from pg_catalog.pg_roles r where r.rolname operator(pg_catalog.=) current_user)`;

/** xmin wraps round, so the count and the sum go with the maximum. Temporary objects change pg_class too and cost a needless reload. */
export const FINGERPRINT = `select pg_catalog.concat_ws('/', ${FINGERPRINTED.map(
  (name) =>
    `(select pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.max(xmin::pg_catalog.text::pg_catalog.int8), ':', pg_catalog.sum(xmin::pg_catalog.text::pg_catalog.int8)) from pg_catalog.pg_${name})`,
).join(', ')}, ${ROLE_RIGHTS}) as fingerprint`;
