import { and, eq, isNull, sql } from 'drizzle-orm';
import { principals, tokens } from '../../db/schema/identity';
import { movePolicyVersion, recordAction } from '../actions/record';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { idSchema, parseInput } from '../input';

/** Ends a token. The policy version moves with it, so that workers look again at the sessions it opened. */
export async function revokeToken({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'tokens:write');
  const { id } = parseInput(idSchema, input);
  return store.transaction(async (tx) => {
    await movePolicyVersion(tx);
    const [row] = await tx
      .select({ principal: principals.name, label: tokens.label, hint: tokens.hint })
      .from(tokens)
      .innerJoin(principals, eq(principals.id, tokens.principalId))
      .where(eq(tokens.id, id));
    if (row === undefined) throw notFound('token', id);
    const changed = await tx
      .update(tokens)
      .set({ revokedAt: sql`now()` })
      .where(and(eq(tokens.id, id), isNull(tokens.revokedAt)))
      .returning({ id: tokens.id });
    if (changed.length > 0)
      await recordAction(tx, actor, { action: 'token.revoke', subject: row.principal, before: { id, label: row.label, hint: row.hint } });
    return { id };
  });
}
