import { eq, or } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { principals, tokens } from '../../db/schema/identity';
import { hashSecret, newSecret } from '../../db/secrets';
import { makeVerifier } from '../../proxy/identity/verifier';
import { recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { type NewToken, tokenDraftSchema } from './shape';

/** Makes an access token. The secret is in the answer and nowhere else: the store keeps its SHA-256 and a SCRAM verifier. */
export async function createToken({ store, actor }: Pick<Call, 'store' | 'actor'>, input: unknown): Promise<NewToken> {
  demand(actor, 'tokens:write');
  const draft = parseInput(tokenDraftSchema, input);
  return store.transaction(async (tx) => {
    const [principal] = await tx
      .select({ id: principals.id, name: principals.name, disabledAt: principals.disabledAt, salt: principals.scramSalt })
      .from(principals)
      .where(or(eq(principals.id, draft.principal), eq(principals.name, draft.principal)));
    if (principal === undefined) throw notFound('principal', draft.principal);
    if (principal.disabledAt !== null) throw new ServiceError('CONFLICT', `principal ${principal.name} is disabled`);
    const secret = newSecret('gh_at');
    const id = newId('tok');
    const expiresAt = new Date(Date.now() + draft.ttlMs);
    const hint = secret.slice(-4);
    const scram = await makeVerifier(secret, principal.salt);
    await tx.insert(tokens).values({ id, principalId: principal.id, label: draft.label, hash: hashSecret(secret), scram, hint, expiresAt });
    await recordAction(tx, actor, { action: 'token.create', subject: principal.name, after: { id, label: draft.label, hint, expiresAt } });
    return { id, secret, expiresAt };
  });
}
