import { asc, eq, or } from 'drizzle-orm';
import { auditViews } from '../../db/schema/views';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import type { ViewRow } from './shape';

/** The caller's own views and everybody's shared ones, by name. */
export async function listViews({ store, actor }: Call): Promise<ViewRow[]> {
  demand(actor, 'audit:own');
  const rows = await store
    .select()
    .from(auditViews)
    .where(or(eq(auditViews.ownerId, actor.id ?? ''), eq(auditViews.shared, true)))
    .orderBy(asc(auditViews.name), asc(auditViews.id));
  return rows.map(({ id, name, shared, ownerId, ownerName, q, range, fromAt, toAt, sort, columns }) => ({
    id,
    name,
    shared,
    ownerName,
    own: ownerId === actor.id,
    q,
    range,
    from: fromAt,
    to: toAt,
    sort,
    columns,
  }));
}
