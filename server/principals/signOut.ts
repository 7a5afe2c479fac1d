import { and, eq, isNull, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import { principals, tokens } from '../../db/schema/identity';
import { movePolicyVersion, recordAction } from '../actions/record';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';

/** Who: a principal's id or its name. */
export const signOutSchema = z.object({ principal: z.string().min(1).max(64) });

/**
 * Signs a principal out everywhere: cookies, access tokens and identities of before this moment are not believed any more, its sessions end,
 * and those of agents that act for it by such an identity. API keys stay: whoever means them revokes them.
 */
export async function signOutPrincipal({ store, actor }: Call, input: unknown): Promise<{ principal: string; tokensRevoked: number }> {
  demand(actor, 'principals:write');
  const { principal } = parseInput(signOutSchema, input);
  return store.transaction(async (tx) => {
    // Workers look again at what was signed in, once this is there to be seen.
    await movePolicyVersion(tx);
    const [row] = await tx
      .update(principals)
      .set({ signedOutAt: sql`clock_timestamp()` })
      .where(or(eq(principals.id, principal), eq(principals.name, principal)))
      .returning({ id: principals.id, name: principals.name });
    if (row === undefined) throw notFound('principal', principal);
    const revoked = await tx
      .update(tokens)
      .set({ revokedAt: sql`now()` })
      .where(
        and(
          eq(tokens.kind, 'access'),
          isNull(tokens.revokedAt),
          or(eq(tokens.principalId, row.id), sql`${tokens.identity} ->> 'personId' = ${row.id}`),
        ),
      )
      .returning({ id: tokens.id });
    await recordAction(tx, actor, { action: 'principal.signOut', subject: row.name, after: { tokensRevoked: revoked.length } });
    return { principal: row.name, tokensRevoked: revoked.length };
  });
}
