import { eq, sql } from 'drizzle-orm';
import { archives, shipPositions } from '../../db/schema/audit';
import type { Store } from '../../db/store';

/** Entries of a node's log before this index are older than the retention, archived where there is an archive, and in the store. */
export async function mayBeLetGo(store: Store, node: string): Promise<number> {
  const [archived] = await store
    .select({ end: sql<number>`coalesce(max(${archives.fromIndex} + ${archives.entries}), 0)::float8` })
    .from(archives)
    .where(eq(archives.node, node));
  const [shipped] = await store.select({ next: shipPositions.nextIndex }).from(shipPositions).where(eq(shipPositions.node, node));
  return Math.min(archived?.end ?? 0, shipped?.next ?? 0);
}
