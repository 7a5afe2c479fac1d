import { eq, or } from 'drizzle-orm';
import { z } from 'zod';
import { principals } from '../../db/schema/identity';
import { recordAction } from '../actions/record';
import { createSignInLink } from '../auth/link';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';

/** Whose link it is: a principal's id or its name. */
export const signInLinkSchema = z.object({ principal: z.string().min(1).max(64) });

/**
 * A one-time link that signs a person in to the console, for an administrator to hand over: `/sign-in?link=gh_ln_…`, 15 minutes.
 * Whoever opens it first is that person, as with a token; the record says who made it. Agents and services have no console.
 */
export async function makeSignInLink({ store, actor }: Call, input: unknown): Promise<{ path: string; expiresAt: Date }> {
  demand(actor, 'tokens:write');
  const { principal } = parseInput(signInLinkSchema, input);
  return store.transaction(async (tx) => {
    const [row] = await tx
      .select({ id: principals.id, name: principals.name, kind: principals.kind, disabledAt: principals.disabledAt })
      .from(principals)
      .where(or(eq(principals.id, principal), eq(principals.name, principal)));
    if (row === undefined) throw notFound('principal', principal);
    if (row.kind !== 'human') throw new ServiceError('INVALID', `${row.name} is not a person: it signs in with a token`);
    if (row.disabledAt !== null) throw new ServiceError('CONFLICT', `principal ${row.name} is disabled`);
    const link = await createSignInLink(tx, row.id);
    await recordAction(tx, actor, { action: 'principal.link', subject: row.name, after: { expiresAt: link.expiresAt } });
    return link;
  });
}
