import type pg from 'pg';
import type { ColumnProof, EnforcementReport } from '../../db/schema/shapes';
import { catalogFingerprint } from '../catalog/load';
import type { CatalogSnapshot, Relation } from '../catalog/types';
import type { ColumnMask } from '../masking/types';
import { qualifiedName, quoteName } from '../sql/quote';
import { findCrossings } from './crossings';
import { recognisedViews, withoutRelations } from './maskingViews';
import { conclude } from './report';
import { type RoleFacts, readRoleFacts, readViewComments } from './roleFacts';
import { HASH_KEY_TABLE } from './viewExpression';

/** Memberships that read, or show what others run, whatever tables say. */
const READING_ROLES: ReadonlySet<string> = new Set([
  ...['pg_read_all_data', 'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'],
  ...['pg_monitor', 'pg_read_all_stats', 'pg_stat_scan_tables'],
]);

/**
 * Proves on a control connection what a role cannot read, and lists what could cross. Everything runs in one read-only transaction that is
 * rolled back. Throws what `pg` throws; a column that could not be tried is no proof, not an error.
 * @param catalog read on the same connection just before
 * @param masksIn all masked columns of a catalog, derived ones included
 * @param role the role to prove; the session's own when null
 */
export async function verifyRole(
  client: pg.ClientBase,
  catalog: CatalogSnapshot,
  masksIn: (catalog: CatalogSnapshot) => readonly ColumnMask[],
  role: string | null,
): Promise<EnforcementReport> {
  const subject = role ?? catalog.user.name;
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    await client.query(`SET LOCAL search_path = pg_catalog; SET LOCAL lock_timeout = '1s'`);
    const acting = role === null || role === catalog.user.name ? null : await become(client, role);
    const comments = await readViewComments(client);
    const views = recognisedViews(catalog, masksIn(withoutRelations(catalog, new Set(comments.keys()))), comments);
    const bare = masksIn(withoutRelations(catalog, new Set(views.keys())));
    const facts = await readRoleFacts(client, subject, bare);
    const tried = await proveColumns(client, catalog, bare, facts, acting === null);
    // Outside of the transaction's snapshot a change would not be seen.
    await client.query('ROLLBACK');
    const moved = (await catalogFingerprint(client)) !== catalog.fingerprint;
    return conclude({
      role: subject,
      columns: tried.map(({ proof }) => proof),
      maskingViews: [...views.values()].map((view) => `${view.schema}.${view.name}`).sort(),
      reasons: [
        ...(acting === null ? [] : [acting]),
        ...(moved ? ['the catalog changed while it was verified; verify again'] : []),
        ...reasonsAgainst(catalog, bare, facts, tried),
      ],
      crossings: findCrossings({ catalog, masks: bare, facts }),
    });
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}

/** Acts as another role for the rest of the transaction; a sentence when the connection's own role may not. */
async function become(client: pg.ClientBase, role: string): Promise<string | null> {
  await client.query('SAVEPOINT role');
  try {
    await client.query(`SET LOCAL ROLE ${quoteName(role)}`);
    return null;
  } catch (error) {
    await client.query('ROLLBACK TO SAVEPOINT role');
    if (codeOf(error) !== '42501') throw error;
    return `the connection's own role may not act as ${role}, so nothing was tried: let the connection sign in as it and verify again`;
  }
}

/** lock_not_available */
const LOCKED = 'failed 55P03';

interface Tried {
  relation: Relation;
  proof: ColumnProof;
}

async function proveColumns(
  client: pg.ClientBase,
  catalog: CatalogSnapshot,
  masks: readonly ColumnMask[],
  facts: RoleFacts,
  mayTry: boolean,
): Promise<Tried[]> {
  const proofs: Tried[] = [];
  /** A relation that somebody has locked is waited for once. */
  const locked = new Set<Relation>();
  for (const mask of masks) {
    const relation = catalog.relations.get(mask.relationOid);
    const column = relation?.columns.find((item) => item.number === mask.attributeNumber);
    if (relation === undefined || column === undefined) continue;
    const privilege = facts.readable.has(`${mask.relationOid}.${mask.attributeNumber}`);
    const attempt = !mayTry ? 'not tried' : locked.has(relation) ? LOCKED : await tryColumn(client, relation, column.name);
    if (attempt === LOCKED) locked.add(relation);
    proofs.push({ relation, proof: { column: mask.column, rule: mask.rule, privilege, attempt } });
  }
  return proofs;
}

async function tryColumn(client: pg.ClientBase, relation: Relation, column: string): Promise<ColumnProof['attempt']> {
  await client.query('SAVEPOINT attempt');
  try {
    await client.query(`SELECT t.${quoteName(column)} FROM ${qualifiedName(relation.schema, relation.name)} AS t LIMIT 0`);
    return 'answered';
  } catch (error) {
    const code = codeOf(error);
    return code === '42501' ? 'refused' : `failed ${code}`;
  } finally {
    await client.query('ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt');
  }
}

/** The SQLSTATE; a failure without one is the connection's and not an answer. */
function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) throw error;
  return code;
}

function reasonsAgainst(catalog: CatalogSnapshot, masks: readonly ColumnMask[], facts: RoleFacts, tried: readonly Tried[]): string[] {
  const relations = [...new Set(masks.map((mask) => mask.relationOid))].flatMap((oid) => catalog.relations.get(oid) ?? []);
  // A view is somebody's window on the data, and listed as such; what is stored must be out of reach.
  const stored = tried.filter(({ relation }) => relation.kind !== 'v').map(({ proof }) => proof);
  const path = catalog.searchPath.filter((name) => facts.createIn.includes(name));
  const keys = (catalog.relationsByName.get(HASH_KEY_TABLE) ?? []).filter((relation) => facts.reads.has(relation.oid));
  return [
    ...(masks.length === 0 ? ['no masked column on this connection: there is nothing for the database to enforce'] : []),
    ...catalog.unreadable.map((name) => `${name} could not be read, so what derives from masked columns is not known; verify again`),
    ...facts.powers.map((power) => `the role is ${power}`),
    ...facts.memberOf
      .filter((role) => role.readsMasked || READING_ROLES.has(role.name))
      .map((role) => `the role is a member of ${role.name}, which ${role.readsMasked ? 'reads masked columns' : 'reads past privileges'}`),
    ...relations.flatMap((relation) =>
      facts.owners.get(relation.oid)?.own === false ? [] : [`the role owns ${relation.schema}.${relation.name}, or may become its owner`],
    ),
    ...stored.filter((proof) => proof.privilege).map((proof) => `the role has SELECT on ${proof.column}`),
    ...stored
      .filter((proof) => !proof.privilege && proof.attempt !== 'refused' && proof.attempt !== 'not tried')
      .map((proof) => `reading ${proof.column} was not refused (${proof.attempt})`),
    ...path.map((name) => `the role may create objects in ${name}, which is in its search_path`),
    ...(facts.temporary ? ['the role may create temporary objects (TEMPORARY on the database, which PUBLIC has by default)'] : []),
    ...keys.map((relation) => `the role reads the key of hash masks, ${relation.schema}.${relation.name}`),
  ];
}
