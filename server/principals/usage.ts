import { and, eq, gte, type SQL, sql } from 'drizzle-orm';
import { principals } from '../../db/schema/identity';
import { principalUsage } from '../../db/schema/usage';
import type { Store, StoreHandle } from '../../db/store';
import { AMOUNTS, type Amount, amountWords, budgetOf, endOf, PERIODS, type Period } from '../../proxy/limits/budgets';
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
  const rows = await currentUsage(store, eq(principalUsage.principalId, id));
  const now = new Date();
  return {
    periods: PERIODS.flatMap((period): UsedPeriod[] => {
      const budget = budgetOf(principal.limits, period);
      if (budget === undefined) return [];
      const used = rows.find((row) => row.period === period);
      const amounts = AMOUNTS.flatMap((amount): UsedAmount[] => {
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

function currentUsage(store: StoreHandle, which?: SQL) {
  return store
    .select({
      principalId: principalUsage.principalId,
      period: principalUsage.period,
      statements: principalUsage.statements,
      rows: principalUsage.rows,
      maskedValues: principalUsage.maskedValues,
    })
    .from(principalUsage)
    .where(and(which, gte(principalUsage.startsAt, sql`date_trunc(${principalUsage.period}, now(), 'UTC')`)));
}

/** How many principals have nothing left of some budget. */
export async function principalsUsedUp(store: Store): Promise<number> {
  const limited = await store
    .select({ id: principals.id, limits: principals.limits })
    .from(principals)
    .where(sql`${principals.limits} ?| array['perHour', 'perDay'] and ${principals.disabledAt} is null`);
  if (limited.length === 0) return 0;
  const rows = await currentUsage(store);
  return limited.filter(({ id, limits }) =>
    PERIODS.some((period) => {
      const used = rows.find((row) => row.principalId === id && row.period === period);
      const budget = budgetOf(limits, period);
      return used !== undefined && AMOUNTS.some((amount) => used[amount] >= (budget?.[amount] ?? Number.POSITIVE_INFINITY));
    }),
  ).length;
}
