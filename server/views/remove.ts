import { and, eq } from 'drizzle-orm';
import { auditViews } from '../../db/schema/views';
import { recordAction } from '../actions/record';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { idSchema, parseInput } from '../input';

/** Removes a view of the caller's own; an administrator removes anybody's shared one. */
export async function removeView({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'audit:own');
  const { id } = parseInput(idSchema, input);
  return store.transaction(async (tx) => {
    const theirs = actor.role === 'admin' ? eq(auditViews.shared, true) : undefined;
    const [removed] = await tx
      .delete(auditViews)
      .where(and(eq(auditViews.id, id), eq(auditViews.ownerId, actor.id ?? '')))
      .returning();
    const [shared] =
      removed === undefined && theirs !== undefined
        ? await tx
            .delete(auditViews)
            .where(and(eq(auditViews.id, id), theirs))
            .returning()
        : [];
    const before = removed ?? shared;
    if (before === undefined) throw notFound('view', id);
    await recordAction(tx, actor, { action: 'view.remove', subject: before.name, before });
    return { id };
  });
}
