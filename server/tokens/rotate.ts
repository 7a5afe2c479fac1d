import { eq, sql } from 'drizzle-orm';
import { principals, tokens } from '../../db/schema/identity';
import { moveAccessVersion, recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { makeToken } from './make';
import { type RotatedToken, tokenRotateSchema } from './shape';

/**
 * Makes a token's successor: the same principal, label, connections and lifetime, counted from now. The old one works for the overlap, so that
 * whoever uses it can change over without a pause.
 */
export async function rotateToken({ store, actor }: Call, input: unknown): Promise<RotatedToken> {
  demand(actor, 'tokens:write');
  const { id, overlapMs } = parseInput(tokenRotateSchema, input);
  return store.transaction(async (tx) => {
    const [old] = await tx
      .select({
        token: tokens,
        principal: { id: principals.id, name: principals.name, salt: principals.scramSalt, disabledAt: principals.disabledAt },
      })
      .from(tokens)
      .innerJoin(principals, eq(principals.id, tokens.principalId))
      .where(eq(tokens.id, id))
      .for('update');
    if (old === undefined) throw notFound('token', id);
    const { token, principal } = old;
    const now = new Date();
    if (principal.disabledAt !== null) throw new ServiceError('CONFLICT', `principal ${principal.name} is disabled`);
    if (token.revokedAt !== null || (token.expiresAt !== null && token.expiresAt <= now))
      throw new ServiceError('CONFLICT', 'the token does not work any more: make a new one');
    if (token.identity !== null)
      throw new ServiceError('CONFLICT', 'the token was made from an identity: its bearer gets a new one by signing in');
    const [successor] = await tx.select({ id: tokens.id }).from(tokens).where(eq(tokens.replaces, id));
    if (successor !== undefined) throw new ServiceError('CONFLICT', `the token is replaced by ${successor.id} already`);
    const lifetimeMs = token.expiresAt === null ? null : token.expiresAt.getTime() - token.createdAt.getTime();
    const { hint, ...made } = await makeToken(tx, {
      principal,
      kind: token.kind,
      label: token.label,
      connections: token.connections,
      identity: null,
      expiresAt: lifetimeMs === null ? null : new Date(now.getTime() + lifetimeMs),
      replaces: id,
    });
    const until = new Date(now.getTime() + overlapMs);
    const oldExpiresAt = token.expiresAt !== null && token.expiresAt < until ? token.expiresAt : until;
    await tx
      .update(tokens)
      .set(overlapMs === 0 ? { revokedAt: sql`now()` } : { expiresAt: oldExpiresAt })
      .where(eq(tokens.id, id));
    // Workers look again at what the old one opened. What was approved stays approved: nobody may do less than before.
    await moveAccessVersion(tx);
    await recordAction(tx, actor, {
      action: 'token.rotate',
      subject: principal.name,
      before: { id, kind: token.kind, label: token.label, hint: token.hint, expiresAt: token.expiresAt },
      after: { id: made.id, hint, expiresAt: made.expiresAt, oldWorksUntil: overlapMs === 0 ? now : oldExpiresAt },
    });
    return { ...made, oldWorksUntil: overlapMs === 0 ? now : oldExpiresAt };
  });
}
