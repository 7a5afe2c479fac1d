import { dollarQuoted, inComment, qualifiedName, quoteName, quoteText } from '../sql/quote';
import { grantable, isTable } from './grants';
import { type MaskingView, VIEW_COMMENT, viewMark } from './maskingViews';
import { ownerOf } from './owner';
import { heading, says } from './say';
import type { HardeningRequest, RelationRights } from './types';
import { HASH_KEY_TABLE } from './viewExpression';

export function maskingSchema(request: HardeningRequest, views: readonly MaskingView[]): string {
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
