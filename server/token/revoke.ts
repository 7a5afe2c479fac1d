import { and, eq, isNull } from 'drizzle-orm';
import { principals, tokens } from '../../db/schema/identity';
import { hashSecret } from '../../db/secrets';
import type { Store } from '../../db/store';
import { movePolicyVersion, recordAction } from '../actions/record';
import { takenUp } from '../policy/takenUp';

/** Ends the token that is given, and the sessions it opened (RFC 7009 §2). One that nobody knows is answered alike: it does not work either way. */
export async function revokeByItself(store: Store, secret: string): Promise<object> {
  if (!/^gh_a[tk]_/.test(secret) || secret.length > 100) return {};
  const [token] = await store
    .select({
      id: tokens.id,
      label: tokens.label,
      hint: tokens.hint,
      principalId: tokens.principalId,
      principal: principals.name,
      kind: principals.kind,
      role: principals.role,
    })
    .from(tokens)
    .innerJoin(principals, eq(principals.id, tokens.principalId))
    .where(and(eq(tokens.hash, hashSecret(secret)), isNull(tokens.revokedAt)));
  // Looked at before the policy is locked: strangers lock nothing.
  if (token === undefined) return {};
  const { id, label, hint, principalId, principal, kind, role } = token;
  await store.transaction(async (tx) => {
    await movePolicyVersion(tx);
    await tx.update(tokens).set({ revokedAt: new Date() }).where(eq(tokens.id, id));
    const actor = { id: principalId, name: principal, kind, role, groups: [], via: 'cli' } as const;
    await recordAction(tx, actor, { action: 'token.revoke', subject: principal, before: { id, label, hint } });
  });
  await takenUp(store);
  return {};
}
