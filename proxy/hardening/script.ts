import type { Relation } from '../catalog/types';
import { functionsThatMayRead, OUTSIDE_EXTENSIONS, userFunctions } from './carriers';
import { HASH_KEY_TABLE } from './maskExpression';
import { type MaskingView, maskingViews, order, VIEW_COMMENT, viewMark } from './maskingViews';
import { dollarQuoted, inComment, qualifiedName, quoteName, quoteText } from './quote';
import type { HardeningRequest, RelationRights } from './types';

/** The role that owns the masking views and alone may read what they mask. It cannot sign in. */
export const ownerOf = (role: string): string => {
  const name = `${role}_masks`;
  return Buffer.byteLength(name) <= 63
    ? name
    : `${Buffer.from(role)
        .subarray(0, 57)
        .toString('utf8')
        .replace(/\ufffd+$/, '')}_masks`;
};

/**
 * The SQL that makes a role which cannot read the masked columns, and the views that show them masked: one transaction, which can be run
 * again after every change of policy or schema. Pure. No password is in it.
 */
export function hardeningScript(request: HardeningRequest): string {
  const views = maskingViews(request.catalog, request.masks, request.schema);
  return [
    header(request),
    'BEGIN;',
    "SET LOCAL search_path = pg_catalog;\nSET LOCAL lock_timeout = '10s';",
    roles(request),
    nothing(request),
    schemas(request),
    relations(request, views),
    sequences(request),
    routines(request),
    maskingSchema(request, views),
    searchPath(request),
    fromPublic(request),
    'COMMIT;',
    footer(request),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

const says = (text: string) =>
  text
    .split('\n')
    .map((line) => (line === '' ? '--' : `-- ${inComment(line)}`))
    .join('\n');
const heading = (text: string) => `-- ${'-'.repeat(77)}\n${says(text)}`;

function header({ connection, database, role, model, masks }: HardeningRequest): string {
  return says(
    `Gatehouse: least privilege for the connection ${inComment(connection)} (database ${inComment(database)})

Makes ${inComment(role)}, a role that may do what ${inComment(model.role)} may, except that PostgreSQL itself refuses it
the ${masks.length} masked columns, and views that show those columns masked. One transaction; run it again
after every change of the masking rules or of the schema.

Run it in this database as a superuser, or as a role that may create roles and owns these objects:
  gatehouse connections harden ${inComment(connection)} | psql -v ON_ERROR_STOP=1 ${inComment(database)}`,
  );
}

function footer({ connection, role }: HardeningRequest): string {
  return says(
    `Next: give the role a password, let the connection sign in as it, and have Gatehouse prove it.
  psql:  \\password ${quoteName(role)}
  then:  gatehouse connections verify ${inComment(connection)}`,
  );
}

function roles({ role, database }: HardeningRequest): string {
  const owner = ownerOf(role);
  const body = [role, owner].map(
    (name) => `  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${quoteText(name)}) THEN
    CREATE ROLE ${quoteName(name)} NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${quoteText(name)}
             AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)) THEN
    RAISE EXCEPTION 'the role % has powers that least privilege must not have; take them away first', ${quoteText(quoteName(name))};
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.member WHERE r.rolname = ${quoteText(name)}) THEN
    RAISE EXCEPTION 'the role % is a member of other roles; revoke that first', ${quoteText(quoteName(name))};
  END IF;`,
  );
  return `${heading(`1. The role, and the owner of the masking views, which cannot sign in. Neither has a power of its own.`)}
DO ${dollarQuoted(`\nBEGIN\n${body.join('\n')}\nEND\n`)};
ALTER ROLE ${quoteName(role)} LOGIN NOINHERIT;
ALTER ROLE ${quoteName(owner)} NOLOGIN NOINHERIT;
GRANT CONNECT ON DATABASE ${quoteName(database)} TO ${quoteName(role)};`;
}

/** Every schema in which something could have been granted before. */
const allSchemas = (request: HardeningRequest): string[] => {
  const known = [...request.catalog.relations.values(), ...userFunctions(request.catalog)].map((item) => item.schema);
  return [...new Set([...known, ...request.model.usage])]
    .filter((name) => name !== 'pg_catalog' && name !== 'information_schema' && !/^pg_(toast|temp)/.test(name) && name !== request.schema)
    .sort();
};

function nothing(request: HardeningRequest): string {
  const both = `${quoteName(request.role)}, ${quoteName(ownerOf(request.role))}`;
  const lines = allSchemas(request).flatMap((name) => {
    const schema = quoteName(name);
    return [
      `REVOKE ALL ON SCHEMA ${schema} FROM ${both};`,
      ...['TABLES', 'SEQUENCES', 'ROUTINES'].map((kind) => `REVOKE ALL ON ALL ${kind} IN SCHEMA ${schema} FROM ${both};`),
    ];
  });
  return `${heading('2. Begin with nothing, so that a right an earlier run gave, and this one does not, is gone.')}
REVOKE CREATE, TEMPORARY ON DATABASE ${quoteName(request.database)} FROM ${both};
${lines.join('\n')}`;
}

function schemas(request: HardeningRequest): string {
  const both = `${quoteName(request.role)}, ${quoteName(ownerOf(request.role))}`;
  const lines = request.model.usage
    .filter((name) => name !== request.schema)
    .map((name) => `GRANT USAGE ON SCHEMA ${quoteName(name)} TO ${both};`);
  return `${heading('3. Schemas: to use, never to create in.')}\n${lines.join('\n') || says('None.')}`;
}

function relations(request: HardeningRequest, views: readonly MaskingView[]): string {
  const viewOf = new Map(views.map((view) => [view.relation.oid, view]));
  const masked = maskedByRelation(request);
  const parts = grantable(request).map(({ relation, rights }) => {
    const hidden = masked.get(relation.oid) ?? new Set<number>();
    const name = qualifiedName(relation.schema, relation.name);
    const lines = grants(request, relation, rights, hidden);
    if (hidden.size === 0) return lines.join('\n');
    const columns = relation.columns.filter((column) => hidden.has(column.number)).map((column) => column.name);
    const through = viewOf.get(relation.oid);
    const note = inComment(`${relation.schema}.${relation.name}: not to be read: ${columns.join(', ')}`);
    const where =
      through === undefined ? '; a foreign table gets no masking view' : inComment(`; masked in ${request.schema}.${through.name}`);
    const owner = through === undefined ? [] : ownerGrants(request, relation, rights, name);
    return [says(note + where), ...lines, ...owner].join('\n');
  });
  return `${heading(
    `4. Tables and views: what ${inComment(request.model.role)} may do${request.readOnly ? ', reading only' : ''}, by column where columns are masked.
Masked columns may be written where they could be before: writing reads nothing.
Never handed on: TRUNCATE, REFERENCES, TRIGGER, MAINTAIN, and owning anything.`,
  )}\n${parts.filter((part) => part !== '').join('\n') || says('None.')}`;
}

/** The relations the model may do something with, in order; other connections' masking views are none of them. */
function grantable({ catalog, model, schema }: HardeningRequest): { relation: Relation; rights: RelationRights }[] {
  return [...model.relations.values()]
    .flatMap((rights) => {
      const relation = catalog.relations.get(rights.oid);
      const some = rights.select.length + rights.insert.length + rights.update.length > 0 || rights.delete;
      return relation === undefined || relation.schema === schema || !some ? [] : [{ relation, rights }];
    })
    .sort((a, b) => order(a.relation, b.relation));
}

function maskedByRelation({ masks }: HardeningRequest): Map<number, Set<number>> {
  const masked = new Map<number, Set<number>>();
  for (const mask of masks) masked.set(mask.relationOid, (masked.get(mask.relationOid) ?? new Set()).add(mask.attributeNumber));
  return masked;
}

function grants(request: HardeningRequest, relation: Relation, rights: RelationRights, hidden: ReadonlySet<number>): string[] {
  const readable = rights.select.filter((number) => !hidden.has(number));
  const wanted = [
    privilege('SELECT', relation, readable),
    // A materialised view has the bits of a table and takes no writes.
    ...(request.readOnly || relation.kind === 'm' ? [] : writeRights(relation, rights)),
  ].filter((part) => part !== null);
  if (wanted.length === 0) return hidden.size === 0 ? [] : [says('Every column of it is masked: nothing to grant.')];
  return [`GRANT ${wanted.join(', ')} ON ${qualifiedName(relation.schema, relation.name)} TO ${quoteName(request.role)};`];
}

/** `SELECT`, or `SELECT ("a", "b")` where only some columns are meant; null where none is. */
function privilege(right: string, relation: Relation, numbers: readonly number[]): string | null {
  const columns = relation.columns.filter((column) => numbers.includes(column.number));
  if (columns.length === 0) return null;
  if (columns.length === relation.columns.length) return right;
  return `${right} (${columns.map((column) => quoteName(column.name)).join(', ')})`;
}

/** What goes through a masking view is done with its owner's rights: reading everything, and writing what the role may write. */
function ownerGrants(request: HardeningRequest, relation: Relation, rights: RelationRights, name: string): string[] {
  const writes = request.readOnly || !isTable(relation) ? [] : writeRights(relation, rights);
  return [`GRANT ${['SELECT', ...writes].join(', ')} ON ${name} TO ${quoteName(ownerOf(request.role))};`];
}

const isTable = (relation: Relation) => relation.kind === 'r' || relation.kind === 'p';

function writeRights(relation: Relation, rights: RelationRights): string[] {
  const parts = [
    privilege('INSERT', relation, rights.insert),
    privilege('UPDATE', relation, rights.update),
    rights.delete ? 'DELETE' : null,
  ];
  return parts.filter((part) => part !== null);
}

function sequences({ model, role, schema }: HardeningRequest): string {
  const lines = model.sequences
    .filter((sequence) => sequence.schema !== schema && (sequence.usage || sequence.select))
    .map(({ schema: of, name, usage, select }) => {
      const rights = [...(usage ? ['USAGE'] : []), ...(select ? ['SELECT'] : [])].join(', ');
      return `GRANT ${rights} ON SEQUENCE ${qualifiedName(of, name)} TO ${quoteName(role)};`;
    });
  return `${heading('5. Sequences: the next value, never setval, which could carry a value away.')}\n${lines.join('\n') || says('None.')}`;
}

/** Functions that would read for the role what it cannot: those that run as their owner and may read masked data, and those that leave SQL. */
function crossing(request: HardeningRequest): Map<number, string> {
  const mayRead = functionsThatMayRead(request.catalog, request.masks);
  const found = new Map<number, string>();
  for (const item of userFunctions(request.catalog)) {
    const why = mayRead.get(item.oid);
    if (item.extension !== null && OUTSIDE_EXTENSIONS.has(item.extension)) found.set(item.oid, `reaches past SQL (${item.extension})`);
    else if (item.securityDefiner && why !== undefined) found.set(item.oid, `runs with its owner's rights and ${why}`);
  }
  return found;
}

function routines(request: HardeningRequest): string {
  const kept = crossing(request);
  const byOid = new Map(userFunctions(request.catalog).map((item) => [item.oid, item]));
  const lines = request.model.routines.flatMap((rights) => {
    const item = byOid.get(rights.oid);
    if (item === undefined || !rights.execute || rights.publicExecute || kept.has(rights.oid)) return [];
    return [`GRANT EXECUTE ON ROUTINE ${qualifiedName(item.schema, item.name)}(${rights.identity}) TO ${quoteName(request.role)};`];
  });
  return `${heading(
    `6. Functions that ${inComment(request.model.role)} may execute and PUBLIC may not. Those that run as the caller read no more than the caller.
Left out: what runs with its owner's rights and may read masked data. Part 9 has what PUBLIC holds.`,
  )}\n${lines.join('\n') || says('None.')}`;
}

function maskingSchema(request: HardeningRequest, views: readonly MaskingView[]): string {
  const [schema, role, owner] = [quoteName(request.schema), quoteName(request.role), quoteName(ownerOf(request.role))];
  const rightsOf = new Map(grantable(request).map(({ relation, rights }) => [relation.oid, rights]));
  const reachable = views.filter((view) => rightsOf.has(view.relation.oid));
  const made = reachable.map((view) => {
    const name = qualifiedName(view.schema, view.name);
    const rights = rightsOf.get(view.relation.oid);
    const writes = request.readOnly || rights === undefined || !isTable(view.relation) ? [] : viewWrites(rights);
    return `CREATE VIEW ${name} WITH (security_barrier) AS\n${view.query};
ALTER VIEW ${name} OWNER TO ${owner};
REVOKE ALL ON ${name} FROM PUBLIC;
GRANT ${['SELECT', ...writes].join(', ')} ON ${name} TO ${role};`;
  });
  return [
    `${heading(
      `7. Masking views: masks in plain SQL, with the owner's rights, so that every operator sees masked values.
security_barrier keeps conditions, and the planner's estimates, away from what is behind the mask.
Row security on a table behind a view is that of ${inComment(ownerOf(request.role))}: policies for other roles show it no rows.`,
    )}
CREATE SCHEMA IF NOT EXISTS ${schema};
REVOKE ALL ON SCHEMA ${schema} FROM PUBLIC;
GRANT USAGE ON SCHEMA ${schema} TO ${role};
GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${owner};`,
    dropEarlier(request),
    ...(reachable.some((view) => view.needsHashKey) ? [hashKey(request)] : []),
    ...made,
    ...(reachable.length === 0 ? [] : [marks(reachable)]),
    `REVOKE CREATE ON SCHEMA ${schema} FROM ${owner};`,
  ].join('\n\n');
}

const viewWrites = (rights: RelationRights): string[] => [
  ...(rights.insert.length > 0 ? ['INSERT'] : []),
  ...(rights.update.length > 0 ? ['UPDATE'] : []),
  ...(rights.delete ? ['DELETE'] : []),
];

function dropEarlier({ schema, role }: HardeningRequest): string {
  return `${says(`Views that an earlier run made for ${inComment(role)} go; one that something else was built on is refused, by name.`)}
DO ${dollarQuoted(`
DECLARE
  masking record;
BEGIN
  FOR masking IN SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${quoteText(schema)} AND c.relkind = 'v'
      AND pg_catalog.pg_get_userbyid(c.relowner) = ${quoteText(ownerOf(role))}
      AND pg_catalog.starts_with(pg_catalog.obj_description(c.oid, 'pg_class'), ${quoteText(VIEW_COMMENT)})
  LOOP
    EXECUTE pg_catalog.format('DROP VIEW %I.%I', masking.nspname, masking.relname);
  END LOOP;
END
`)};`;
}

function hashKey({ schema, role }: HardeningRequest): string {
  const table = qualifiedName(schema, HASH_KEY_TABLE);
  const random = `pg_catalog.sha256(pg_catalog.uuid_send(pg_catalog.gen_random_uuid()) || pg_catalog.uuid_send(pg_catalog.gen_random_uuid()))`;
  return `${says(
    `The key of hash masks: made here, at random, and once; kept over later runs, so that pseudonyms stay the same. Only the views read
it. It is not the gateway's own key: a pseudonym from a view and one from the gateway differ.`,
  )}
CREATE TABLE IF NOT EXISTS ${table} (single pg_catalog.bool PRIMARY KEY DEFAULT true CHECK (single), inner_key pg_catalog.bytea NOT NULL, outer_key pg_catalog.bytea NOT NULL);
INSERT INTO ${table} (inner_key, outer_key) VALUES (${random} || ${random}, ${random} || ${random}) ON CONFLICT DO NOTHING;
REVOKE ALL ON ${table} FROM PUBLIC, ${quoteName(role)};
GRANT SELECT ON ${table} TO ${quoteName(ownerOf(role))};`;
}

/** Each view is marked with what it was made of and how PostgreSQL stored it, so that `verify` knows it again, and knows when it is changed. */
function marks(views: readonly MaskingView[]): string {
  const calls = views.map((view) => {
    const name = qualifiedName(view.schema, view.name);
    const stored = `pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.pg_get_viewdef(CAST(${quoteText(name)} AS pg_catalog.regclass)), 'UTF8')), 'hex')`;
    return `  EXECUTE pg_catalog.format(${quoteText(`COMMENT ON VIEW ${name.replaceAll('%', '%%')} IS %L`)},
    pg_catalog.format(${quoteText(viewMark('%s', '%s'))}, ${quoteText(view.digest)}, ${stored}));`;
  });
  return `${says('Marks by which verify knows these views again, unchanged.')}\nDO ${dollarQuoted(`\nBEGIN\n${calls.join('\n')}\nEND\n`)};`;
}

function searchPath({ catalog, database, role, schema }: HardeningRequest): string {
  const path = [schema, ...catalog.searchPath.filter((name) => name !== schema)].map(quoteName).join(', ');
  return `${heading('8. Unqualified names meet the masking views first, so that SELECT * works.')}
ALTER ROLE ${quoteName(role)} IN DATABASE ${quoteName(database)} SET search_path = ${path};`;
}

/** Rights that everyone holds cannot be taken from one role alone. Taking them is the operator's decision, so it is asked for. */
function fromPublic(request: HardeningRequest): string {
  const { model, database, role, revokePublic } = request;
  const kept = crossing(request);
  const byOid = new Map(userFunctions(request.catalog).map((item) => [item.oid, item]));
  const items = [
    ...model.publicCreate
      .filter((name) => name !== request.schema)
      .map((name) => ({
        why: `Everyone may create objects in the schema ${inComment(name)}. Taken away, so may only its owner and roles that were granted it by name.`,
        sql: `REVOKE CREATE ON SCHEMA ${quoteName(name)} FROM PUBLIC;`,
      })),
    ...(model.publicTemporary
      ? [
          {
            why: `Everyone may create temporary tables here. Other roles that need them are granted TEMPORARY by name.`,
            sql: `REVOKE TEMPORARY ON DATABASE ${quoteName(database)} FROM PUBLIC;`,
          },
        ]
      : []),
    ...model.routines.flatMap((rights) => {
      const item = byOid.get(rights.oid);
      const why = kept.get(rights.oid);
      if (item === undefined || why === undefined || !rights.publicExecute) return [];
      const name = `${qualifiedName(item.schema, item.name)}(${rights.identity})`;
      return [
        {
          why: inComment(
            `${item.schema}.${item.name} ${why}. Roles that need it are granted EXECUTE by name${rights.execute ? `, as ${model.role} is here` : ''}.`,
          ),
          sql: `REVOKE EXECUTE ON ROUTINE ${name} FROM PUBLIC;${
            rights.execute && model.role !== role ? `\nGRANT EXECUTE ON ROUTINE ${name} TO ${quoteName(model.role)};` : ''
          }`,
        },
      ];
    }),
  ];
  const intro = revokePublic
    ? '9. What PUBLIC holds and least privilege must not have, taken from everyone (asked for with --revoke-public).'
    : `9. What PUBLIC holds cannot be taken from ${inComment(role)} alone. Each line below takes it from EVERY role that has it only through PUBLIC,
so none is run unless you say so: print them as statements with --revoke-public. Until then verify lists what they would close.`;
  const body = items.map(({ why, sql }) => `${says(why)}\n${revokePublic ? sql : commented(sql)}`);
  return `${heading(intro)}\n${body.join('\n') || says('Nothing: PUBLIC holds no such right.')}`;
}

/** A statement as a comment; names are on one line each (quote.ts), a server's own text need not be. */
const commented = (sql: string) =>
  sql
    .split(/[\r\n]/)
    .map((line) => `-- ${line}`)
    .join('\n');
