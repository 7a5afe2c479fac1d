import { eq, inArray, or } from 'drizzle-orm';
import { principals } from '../../db/schema/identity';
import { connections } from '../../db/schema/policy';
import type { StoreTransaction } from '../../db/store';
import { recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { makeToken } from './make';
import { type NewToken, tokenDraftSchema } from './shape';

/** Makes an access token or an API key. */
export async function createToken({ store, actor }: Pick<Call, 'store' | 'actor'>, input: unknown): Promise<NewToken> {
  demand(actor, 'tokens:write');
  const draft = parseInput(tokenDraftSchema, input);
  return store.transaction(async (tx) => {
    const [principal] = await tx
      .select({
        id: principals.id,
        name: principals.name,
        kind: principals.kind,
        disabledAt: principals.disabledAt,
        salt: principals.scramSalt,
      })
      .from(principals)
      .where(or(eq(principals.id, draft.principal), eq(principals.name, draft.principal)));
    if (principal === undefined) throw notFound('principal', draft.principal);
    if (principal.disabledAt !== null) throw new ServiceError('CONFLICT', `principal ${principal.name} is disabled`);
    if (draft.kind === 'api_key' && principal.kind === 'human')
      throw new ServiceError('INVALID', 'kind: an API key is for a service or an agent; a person signs in, or takes an access token');
    if (draft.connections !== null) await demandConnections(tx, draft.connections);
    const { kind, label, connections: opens } = draft;
    const expiresAt = draft.ttlMs === null ? null : new Date(Date.now() + draft.ttlMs);
    const { hint, ...made } = await makeToken(tx, { principal, kind, label, connections: opens, identity: null, expiresAt });
    const after = { id: made.id, kind, label, hint, expiresAt, connections: opens };
    await recordAction(tx, actor, { action: 'token.create', subject: principal.name, after });
    return made;
  });
}

async function demandConnections(tx: StoreTransaction, names: readonly string[]): Promise<void> {
  const known = await tx
    .select({ name: connections.name })
    .from(connections)
    .where(inArray(connections.name, [...names]));
  const unknown = names.filter((name) => !known.some((row) => row.name === name));
  if (unknown.length > 0) throw new ServiceError('INVALID', `connections: unknown connection ${unknown.join(', ')}`);
}
