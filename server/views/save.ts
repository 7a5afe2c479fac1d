import { and, eq, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { auditViews } from '../../db/schema/views';
import { recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { uniquely } from '../policy/names';
import { viewSchema } from './shape';

/** Keeps a search under a name, or changes one that the caller keeps. Nobody changes another's, shared or not. */
export async function saveView({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'audit:own');
  const { id: existing, from, to, range, ...draft } = parseInput(viewSchema, input);
  const ownerId = actor.id;
  if (ownerId === null) throw new ServiceError('FORBIDDEN', 'a view belongs to somebody who can sign in');
  const row = { ...draft, range: range ?? null, fromAt: from ?? null, toAt: to ?? null };
  return uniquely('view', row.name, () =>
    store.transaction(async (tx) => {
      if (existing === undefined) {
        const id = newId('viw');
        await tx.insert(auditViews).values({ id, ownerId, ownerName: actor.name, ...row });
        await recordAction(tx, actor, { action: 'view.create', subject: row.name, after: row });
        return { id };
      }
      const [before] = await tx
        .select()
        .from(auditViews)
        .where(and(eq(auditViews.id, existing), eq(auditViews.ownerId, ownerId)))
        .for('update');
      if (before === undefined) throw notFound('view', existing);
      await tx
        .update(auditViews)
        .set({ ...row, updatedAt: sql`now()` })
        .where(eq(auditViews.id, existing));
      await recordAction(tx, actor, { action: 'view.update', subject: row.name, before, after: row });
      return { id: existing };
    }),
  );
}
