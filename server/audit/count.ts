import { and, sql } from 'drizzle-orm';
import { statements } from '../../db/schema/audit';
import type { StoreHandle } from '../../db/store';
import { codeOf } from '../../proxy/worker/shownError';
import { countedHours, inRange, type Range, splitByHour } from './hours';
import type { Way } from './keys';

/** Counting stops here: an exact count of a million rows is worth nobody's wait. */
const COUNT_CAP = 1_000;
/** Nor is any count worth more than this, in milliseconds: what was found by then is said to be more. */
const COUNT_WITHIN_MS = 300;

export interface Count {
  value: number;
  capped: boolean;
}

/** How many statements the ways of a search find, up to a thousand; `atLeast` are known already. */
export async function countStatements(store: StoreHandle, ways: readonly Way[], range: Range, atLeast: number): Promise<Count> {
  const [only] = ways;
  if (only === undefined) return { value: 0, capped: false };
  if (ways.length === 1 && only.coarse !== null) return countByHours(store, only, range);
  // Several ways may find the same.
  const ids = new Set<string>();
  for (const way of ways) {
    const found = await idsWithin(store, way, range);
    if (found === null) return { value: Math.min(Math.max(atLeast, ids.size), COUNT_CAP), capped: true };
    for (const id of found) ids.add(id);
  }
  return { value: Math.min(ids.size, COUNT_CAP), capped: ids.size > COUNT_CAP };
}

async function countByHours(store: StoreHandle, way: Way, range: Range): Promise<Count> {
  const { whole, edges } = splitByHour(range);
  const { hours } = await countedHours(store, way.coarse ?? undefined, whole);
  let value = hours.reduce((sum, hour) => sum + hour.statements, 0);
  for (const edge of edges) {
    if (value > COUNT_CAP) break;
    value += (await idsWithin(store, way, edge))?.length ?? COUNT_CAP + 1;
  }
  return { value: Math.min(value, COUNT_CAP), capped: value > COUNT_CAP };
}

/** One more than the cap at most; null when it takes too long. */
async function idsWithin(store: StoreHandle, { where }: Way, range: Range): Promise<string[] | null> {
  try {
    return await store.transaction(async (tx) => {
      await tx.execute(sql.raw(`set local statement_timeout = ${COUNT_WITHIN_MS}`));
      const rows = await tx
        .select({ id: statements.id })
        .from(statements)
        .where(and(where, inRange(range)))
        .limit(COUNT_CAP + 1);
      return rows.map(({ id }) => id);
    });
  } catch (error) {
    // query_canceled
    if (codeOf(error) === '57014') return null;
    throw error;
  }
}
