import { dollarQuoted, inComment, quoteName, quoteText } from '../sql/quote';
import { userFunctions } from './carriers';
import { fromPublic } from './fromPublic';
import { relations, routines, sequences } from './grants';
import { maskingViews } from './maskingViews';
import { ownerOf } from './owner';
import { heading, says } from './say';
import type { HardeningRequest } from './types';
import { maskingSchema } from './viewScript';

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

function searchPath({ catalog, database, role, schema }: HardeningRequest): string {
  const path = [schema, ...catalog.searchPath.filter((name) => name !== schema)].map(quoteName).join(', ');
  return `${heading('8. Unqualified names meet the masking views first, so that SELECT * works.')}
ALTER ROLE ${quoteName(role)} IN DATABASE ${quoteName(database)} SET search_path = ${path};`;
}
