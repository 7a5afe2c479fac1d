import { and, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import { principals } from '../../db/schema/identity';
import { movePolicyVersion, recordAction } from '../actions/record';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { idSchema, parseInput } from '../input';
import { endSessionsOf } from '../sessions/end';
import { demandAdministrator } from './administrators';

/** Shuts a principal out: tokens and cookies stop working at once, and its open sessions are ended. Undone by {@link enablePrincipal}. */
export async function disablePrincipal({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'principals:write');
  const { id } = parseInput(idSchema, input);
  return store.transaction(async (tx) => {
    await movePolicyVersion(tx);
    const [row] = await tx.select({ name: principals.name }).from(principals).where(eq(principals.id, id));
    if (row === undefined) throw notFound('principal', id);
    const changed = await tx
      .update(principals)
      .set({ disabledAt: sql`now()` })
      .where(and(eq(principals.id, id), isNull(principals.disabledAt)))
      .returning({ id: principals.id });
    await demandAdministrator(tx);
    if (changed.length === 0) return { id };
    const ended = await endSessionsOf(tx, id);
    await recordAction(tx, actor, { action: 'principal.disable', subject: row.name, after: { sessionsEnded: ended } });
    return { id };
  });
}

export async function enablePrincipal({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'principals:write');
  const { id } = parseInput(idSchema, input);
  return store.transaction(async (tx) => {
    await movePolicyVersion(tx);
    const [row] = await tx.select({ name: principals.name }).from(principals).where(eq(principals.id, id));
    if (row === undefined) throw notFound('principal', id);
    const changed = await tx
      .update(principals)
      .set({ disabledAt: null })
      .where(and(eq(principals.id, id), isNotNull(principals.disabledAt)))
      .returning({ id: principals.id });
    if (changed.length > 0) await recordAction(tx, actor, { action: 'principal.enable', subject: row.name });
    return { id };
  });
}
