import type pg from 'pg';
import type { HeldState } from '../../db/schema/shapes';
import type { CatalogSnapshot } from '../../proxy/catalog/types';
import { loadPrincipal } from '../../proxy/identity/principal';
import { maskedColumnsFor } from '../../proxy/masking/columns';
import { judge } from '../../proxy/policy/judge';
import { loadPolicy } from '../../proxy/policy/snapshot';
import type { ConnectionPolicy, PolicySnapshot } from '../../proxy/policy/types';
import { readBehind } from '../../proxy/preview/behind';
import type { BehindRelations, Candidate } from '../../proxy/preview/lasting';
import { relationsReached } from '../../proxy/preview/lasting';
import { schemasOf } from '../../proxy/preview/searchPath';
import { readTransaction, temporaryAmong, type UpstreamTransaction } from '../../proxy/preview/sessionState';
import { factsOf } from '../../proxy/sql/facts';
import { loadParser, type ParsedStatement, parseStatements } from '../../proxy/sql/parse';
import { readCatalog } from '../connections/catalog';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import type { StoredRequest } from './read';

/** A held request as the previews look at it: its statements, and the upstream around them. */
export interface PreviewSubject {
  policy: PolicySnapshot;
  connection: ConnectionPolicy;
  catalog: CatalogSnapshot;
  candidate: Candidate;
  behind: BehindRelations;
  transaction: UpstreamTransaction | null;
  /** Tables it names that are, or may be, temporary ones of its session. */
  temporary: readonly string[];
  /** What goes to the server when it is released; null where it would be denied as things are now. */
  forward: string | null;
}

export async function connectionOf(
  call: Pick<Call, 'store'>,
  request: StoredRequest,
): Promise<{ policy: PolicySnapshot; connection: ConnectionPolicy }> {
  const policy = await loadPolicy(call.store);
  const connection = policy.connections.get(request.connectionName);
  if (connection === undefined) throw notFound('connection', request.connectionName);
  await loadParser();
  return { policy, connection };
}

/** Reads what a preview needs, over a control connection. @throws whatever `pg` throws */
export async function readSubject(
  call: Pick<Call, 'store'>,
  request: StoredRequest,
  { policy, connection, client }: { policy: PolicySnapshot; connection: ConnectionPolicy; client: pg.ClientBase },
): Promise<PreviewSubject> {
  const catalog = await readCatalog(call.store, connection.id, client);
  const { heldState: state } = request;
  const statements = parsed(request.sql);
  const searchPath = searchPathOf(state, catalog);
  const candidate: Candidate = { statements, parameters: request.parameters, catalog, searchPath, state };
  await client.query('SET search_path = pg_catalog');
  const relations = relationsReached(candidate);
  const names = statements.flatMap((statement) => factsOf(statement).relations.map(({ name }) => name));
  const behind = await readBehind(
    client,
    relations.map(({ oid }) => oid),
  );
  const transaction = state?.backendPid == null ? null : await readTransaction(client, state.backendPid);
  const temporary = await temporaryAmong(client, names);
  // What follows on this connection is to mean what it means in a session.
  await client.query('RESET search_path');
  return {
    policy,
    connection,
    catalog,
    candidate,
    behind,
    transaction,
    temporary,
    forward: await forwardedText(call, request, { policy, connection, catalog, searchPath }),
  };
}

/** What was added for the reviewer stands in comments; a text that our grammar does not take was never held. */
function parsed(sql: string): readonly ParsedStatement[] {
  try {
    return parseStatements(sql);
  } catch {
    return [];
  }
}

function searchPathOf(state: HeldState | null, catalog: CatalogSnapshot): readonly string[] | null {
  if (state === null || state.settings === null) return null;
  const set = Object.entries(state.settings).find(([name]) => name.toLowerCase() === 'search_path')?.[1];
  return set === undefined ? catalog.searchPath : schemasOf(set, state.role ?? catalog.user.name);
}

async function forwardedText(
  { store }: Pick<Call, 'store'>,
  request: StoredRequest,
  at: { policy: PolicySnapshot; connection: ConnectionPolicy; catalog: CatalogSnapshot; searchPath: readonly string[] | null },
): Promise<string | null> {
  const principal = await loadPrincipal(store, request.principalId);
  if (principal === null) return null;
  const masks = maskedColumnsFor({ ...at, masking: at.policy.masking, principal });
  try {
    const judgement = judge(request.sql, { ...at, principal, masks, now: new Date() });
    return judgement.action === 'deny' ? null : (judgement.forward?.text ?? request.sql);
  } catch {
    return null;
  }
}
