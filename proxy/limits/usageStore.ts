import { sql } from 'drizzle-orm';
import { principalUsage } from '../../db/schema/usage';
import type { Store } from '../../db/store';
import type { Period, Used } from './budgets';

export interface UsageRow extends Used {
  startsAt: Date;
}

export interface UsageDelta {
  statements: number;
  rows: number;
  /** What was seen in each period, to be merged into what others have seen; null where masked values have no budget. */
  sketches: Record<Period, { registers: Buffer; merge(registers: Buffer): void; count: number; clear(): void }> | null;
}

/** How long used-up periods are kept for the console. */
const KEPT = '40 days';

/**
 * Adds what a worker has counted and gives what all of them have, in the store's own hour and day: one step, so that of several workers each
 * sees what the others did before it. @throws what the store throws when it is away; then nothing was added
 */
export async function settleUsage(
  store: Store,
  principalId: string,
  delta: UsageDelta,
  known: Record<Period, Date | null>,
): Promise<Record<Period, UsageRow>> {
  return store.transaction(async (tx) => {
    const { rows } = await tx.execute<{
      period: Period;
      starts_at: string;
      statements: string;
      rows: string;
      masked_values: string;
      masked_sketch: Buffer | null;
    }>(sql`
      insert into ${principalUsage} as u (principal_id, period, starts_at, statements, rows)
      select ${principalId}, p.period, date_trunc(p.period, now(), 'UTC'), ${delta.statements}::bigint, ${delta.rows}::bigint
      from (values (1, 'day'), (2, 'hour')) as p(n, period) order by p.n
      on conflict (principal_id, period, starts_at) do update
        set statements = u.statements + excluded.statements, rows = u.rows + excluded.rows
      returning u.period, extract(epoch from u.starts_at) * 1000 as starts_at, u.statements, u.rows, u.masked_values, u.masked_sketch`);
    const used = {} as Record<Period, UsageRow>;
    for (const row of rows) {
      const startsAt = new Date(Number(row.starts_at));
      let maskedValues = Number(row.masked_values);
      const began = known[row.period]?.getTime() !== startsAt.getTime();
      const sketch = delta.sketches?.[row.period];
      if (sketch !== undefined) {
        // What was seen in a period that is over is no part of this one.
        if (began && known[row.period] !== null) sketch.clear();
        const stored = row.masked_sketch;
        if (stored !== null) sketch.merge(stored);
        maskedValues = sketch.count;
        if (stored === null ? maskedValues > 0 : !stored.equals(sketch.registers))
          await tx.execute(sql`
            update ${principalUsage} set masked_sketch = ${sketch.registers}, masked_values = ${maskedValues}
            where principal_id = ${principalId} and period = ${row.period} and starts_at = to_timestamp(${startsAt.getTime() / 1000})`);
      }
      used[row.period] = { startsAt, statements: Number(row.statements), rows: Number(row.rows), maskedValues };
      if (began && row.period === 'day')
        await tx.execute(sql`delete from ${principalUsage} where principal_id = ${principalId} and starts_at < now() - ${KEPT}::interval`);
    }
    return used;
  });
}
