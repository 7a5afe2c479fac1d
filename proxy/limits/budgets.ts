import type { Budget, PrincipalLimits } from '../../db/schema/shapes';

export type Period = 'hour' | 'day';
export const PERIODS: readonly Period[] = ['hour', 'day'];
export type Amount = keyof Budget;
export const AMOUNTS: readonly Amount[] = ['statements', 'rows', 'maskedValues'];

/** What was used in one period so far. */
export type Used = Readonly<Record<Amount, number>>;

export interface Spent {
  amount: Amount;
  period: Period;
  used: number;
  limit: number;
}

export const budgetOf = (limits: PrincipalLimits, period: Period): Budget | undefined =>
  period === 'hour' ? limits.perHour : limits.perDay;

export const hasBudget = ({ perHour, perDay }: PrincipalLimits): boolean => perHour !== undefined || perDay !== undefined;

/** Every budget that is set, with what was used of it. */
function* budgets(limits: PrincipalLimits, used: Readonly<Record<Period, Used>>): Generator<Spent> {
  for (const period of PERIODS)
    for (const amount of AMOUNTS) {
      const limit = budgetOf(limits, period)?.[amount];
      if (limit !== undefined) yield { amount, period, used: used[period][amount], limit };
    }
}

/**
 * The budget that is used up, the day's before the hour's, since it lasts longer. A statement counts itself already: it may be the last one
 * of its budget. Pure.
 */
export function spent(limits: PrincipalLimits, used: Readonly<Record<Period, Used>>): Spent | null {
  let found: Spent | null = null;
  for (const budget of budgets(limits, used)) {
    // They end the result that shows one too many; what shows none goes on.
    if (budget.amount === 'maskedValues') continue;
    const over = budget.amount === 'statements' ? budget.used > budget.limit : budget.used >= budget.limit;
    if (over) found = budget;
  }
  return found;
}

/** How many more rows may leave; Infinity without a budget of rows. Pure. */
export function rowsLeft(limits: PrincipalLimits, used: Readonly<Record<Period, Used>>): number {
  let left = Number.POSITIVE_INFINITY;
  for (const budget of budgets(limits, used)) if (budget.amount === 'rows') left = Math.min(left, Math.max(0, budget.limit - budget.used));
  return left;
}

/** Close to a limit every statement asks the store, so that several workers do not run past it together; far from it, once a second. */
const NEAR_SHARE = 0.02;
const NEAR_LEAST = 20;

export function isNear(limits: PrincipalLimits, used: Readonly<Record<Period, Used>>): boolean {
  for (const { used: now, limit } of budgets(limits, used)) if (limit - now <= Math.max(NEAR_LEAST, limit * NEAR_SHARE)) return true;
  return false;
}

/** In a sentence: `masked values`. */
export const amountWords: Readonly<Record<Amount, string>> = {
  statements: 'statements',
  rows: 'rows',
  maskedValues: 'distinct masked values',
};

/** When a period that began then is over. */
export function endOf(period: Period, startsAt: Date): Date {
  return new Date(startsAt.getTime() + (period === 'hour' ? 3_600_000 : 86_400_000));
}
