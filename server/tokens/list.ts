import { desc, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { tokens } from '../../db/schema/identity';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand, seesOnlyOwn } from '../identity/permission';
import { parseInput } from '../input';
import type { TokenRow } from './shape';

export const tokensListSchema = z.object({ principalId: z.string() });

/** A principal's tokens, newest first: what tells them apart, never what they are. */
export async function listTokens({ store, actor }: Call, input: unknown): Promise<TokenRow[]> {
  demand(actor, 'tokens:own');
  const { principalId } = parseInput(tokensListSchema, input);
  if (seesOnlyOwn(actor) && principalId !== actor.id) throw new ServiceError('FORBIDDEN', 'a member sees only their own tokens');
  return store
    .select({
      id: tokens.id,
      kind: tokens.kind,
      label: tokens.label,
      hint: tokens.hint,
      connections: tokens.connections,
      provider: sql<string | null>`${tokens.identity}->>'provider'`,
      createdAt: tokens.createdAt,
      expiresAt: tokens.expiresAt,
      lastUsedAt: tokens.lastUsedAt,
      revokedAt: tokens.revokedAt,
      replaces: tokens.replaces,
      replacedBy: sql<string | null>`(select s.id from tokens s where s.replaces = ${tokens}.id)`,
    })
    .from(tokens)
    .where(eq(tokens.principalId, principalId))
    .orderBy(desc(tokens.createdAt));
}
