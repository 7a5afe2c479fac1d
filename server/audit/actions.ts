import { desc, lt } from 'drizzle-orm';
import { actions } from '../../db/schema/audit';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { type ActionRow, actionsListSchema } from './shape';

/** What people and the CLI did, newest first (ids sort by time). */
export async function listActions({ store, actor }: Call, input: unknown): Promise<{ items: ActionRow[]; nextCursor: string | null }> {
  demand(actor, 'actions:read');
  const { limit, cursor } = parseInput(actionsListSchema, input ?? {});
  const rows = await store
    .select()
    .from(actions)
    .where(cursor == null ? undefined : lt(actions.id, cursor))
    .orderBy(desc(actions.id))
    .limit(limit + 1);
  const items = rows.slice(0, limit).map(({ actorId: _actor, ...row }) => row);
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}
