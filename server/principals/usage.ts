import { and, desc, eq, gte, sql } from 'drizzle-orm';
import { principals } from '../../db/schema/identity';
import { principalUsage } from '../../db/schema/usage';
import { type Amount, amountWords, budgetOf, endOf, PERIODS, type Period } from '../../proxy/limits/budgets';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';

export interface UsedAmount {
  amount: Amount;
  /** In a sentence: `distinct masked values`. */
  words: string;
  used: number;
  limit: number;
}

export interface UsedPeriod {
  period: Period;
  /** When it begins anew. */
  endsAt: Date;
  amounts: UsedAmount[];
}

/** What a principal has used of each budget it has, in the hour and the day that are now. Workers store what they count within a second. */
export async function usageOf({ store, actor }: Call, { id }: { id: string }): Promise<{ periods: UsedPeriod[] }> {
  demand(actor, 'principals:read');
  const [principal] = await store.select({ limits: principals.limits }).from(principals).where(eq(principals.id, id));
  if (principal === undefined) throw notFound('principal', id);
  const rows = await store
    .select({
      period: principalUsage.period,
      statements: principalUsage.statements,
      rows: principalUsage.rows,
      maskedValues: principalUsage.maskedValues,
    })
    .from(principalUsage)
    .where(and(eq(principalUsage.principalId, id), gte(principalUsage.startsAt, sql`date_trunc(${principalUsage.period}, now(), 'UTC')`)))
    .orderBy(desc(principalUsage.startsAt));
  const now = new Date();
  return {
    periods: PERIODS.flatMap((period): UsedPeriod[] => {
      const budget = budgetOf(principal.limits, period);
      if (budget === undefined) return [];
      const used = rows.find((row) => row.period === period);
      const amounts = (Object.keys(amountWords) as Amount[]).flatMap((amount): UsedAmount[] => {
        const limit = budget[amount];
        return limit === undefined ? [] : [{ amount, words: amountWords[amount], used: used?.[amount] ?? 0, limit }];
      });
      return [{ period, endsAt: endOf(period, startOf(period, now)), amounts }];
    }),
  };
}

function startOf(period: Period, now: Date): Date {
  const start = new Date(now);
  if (period === 'hour') start.setUTCMinutes(0, 0, 0);
  else start.setUTCHours(0, 0, 0, 0);
  return start;
}
