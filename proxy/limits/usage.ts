import type { PrincipalLimits } from '../../db/schema/shapes';
import type { Store } from '../../db/store';
import { budgetSpent, usageUnavailable, type WireError } from '../wire/errors';
import { amountWords, budgetOf, endOf, hasBudget, isNear, PERIODS, type Period, rowsLeft, spent, type Used } from './budgets';
import { DistinctValues } from './sketch';
import { settleUsage, type UsageRow } from './usageStore';

/** How old what is known of other workers may be, and how long what was counted here waits to be stored. */
const FRESH_MS = 1_000;

/**
 * What one principal has used, as this worker knows it: what the store had a moment ago, and what was counted here since. Shared by all its
 * sessions. Several workers may overshoot a budget together by what they count within a second, but not near its end: there every
 * statement asks the store first.
 */
export class Usage {
  limits: PrincipalLimits;
  readonly #settle: (usage: Parameters<typeof settleUsage>[2], known: Record<Period, Date | null>) => Promise<Record<Period, UsageRow>>;
  readonly #sketches: Record<Period, DistinctValues> | null;
  #stored: Record<Period, UsageRow> | null = null;
  #settledMs = Number.NEGATIVE_INFINITY;
  #statements = 0;
  #rows = 0;
  #seen = false;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  /** Statements that wait for the store's answer, in the order they came. */
  readonly #waiting: Waiting[] = [];

  constructor(
    limits: PrincipalLimits,
    options: {
      key: Buffer;
      settle: (delta: Parameters<typeof settleUsage>[2], known: Record<Period, Date | null>) => Promise<Record<Period, UsageRow>>;
    },
  ) {
    this.limits = limits;
    this.#settle = options.settle;
    this.#sketches = { hour: new DistinctValues(options.key), day: new DistinctValues(options.key) };
  }

  /** Whether masked values have a budget. */
  get countsMasked(): boolean {
    return PERIODS.some((period) => budgetOf(this.limits, period)?.maskedValues !== undefined);
  }

  /** Whether a budget may end a result before its end. */
  get endsResults(): boolean {
    return this.countsMasked || PERIODS.some((period) => budgetOf(this.limits, period)?.rows !== undefined);
  }

  /** Something was counted that the store does not have yet. */
  get unsettled(): boolean {
    return this.#statements !== 0 || this.#rows !== 0 || this.#seen;
  }

  /**
   * Counts statements that are about to run. Nothing to wait for while what is known is fresh and no limit is near.
   * @throws WireError 53400 which budget is used up; 58000 when the store does not say
   */
  admit(statements: number, nowMs: number): undefined | Promise<void> {
    this.#statements += statements;
    const used = this.#used();
    if (used !== null && nowMs - this.#settledMs < FRESH_MS && !isNear(this.limits, used)) return undefined;
    return new Promise((allow, refuse) => {
      this.#waiting.push({ statements, allow, refuse });
      // Who waits is answered by the run that counts it.
      this.settle().catch(() => undefined);
    });
  }

  /** Rows that have left. */
  returned(rows: number): void {
    this.#rows += rows;
  }

  /** How many rows the next result may have. */
  get rowsLeft(): number {
    const used = this.#used();
    return used === null ? Number.POSITIVE_INFINITY : rowsLeft(this.limits, used);
  }

  /** The masked cells of a row are about to be seen; false when they would be too many, and then the row must not leave. */
  mayShow(row: Buffer, masks: Parameters<DistinctValues['addRow']>[1]): boolean {
    this.#seen = true;
    let may = true;
    for (const period of PERIODS) {
      this.#sketches?.[period].addRow(row, masks);
      const limit = budgetOf(this.limits, period)?.maskedValues;
      if (limit !== undefined && (this.#sketches?.[period].count ?? 0) > limit) may = false;
    }
    return may;
  }

  /** The budget that is used up, in words; null when there is some left of each. */
  #refusal(): WireError | null {
    // Who came later waits for an answer of their own.
    const used = this.#used(this.#waiting.reduce((sum, { statements }) => sum + statements, 0));
    const found = used === null ? null : spent(this.limits, used);
    return found === null ? null : this.#words(found.amount, found.period, found.used, found.limit);
  }

  /** What is told where a result is cut because its budget is used up. */
  cutWords(amount: 'rows' | 'maskedValues'): WireError {
    const used = this.#used();
    const [period] = PERIODS.filter((one) => budgetOf(this.limits, one)?.[amount] !== undefined).sort(
      (a, b) => this.#left(a, amount, used) - this.#left(b, amount, used),
    );
    const limit = budgetOf(this.limits, period ?? 'hour')?.[amount] ?? 0;
    return this.#words(amount, period ?? 'hour', limit, limit);
  }

  #left(period: Period, amount: 'rows' | 'maskedValues', used: Record<Period, Used> | null): number {
    return (budgetOf(this.limits, period)?.[amount] ?? 0) - (used?.[period][amount] ?? 0);
  }

  #words(amount: keyof Used, per: Period, used: number, limit: number): WireError {
    const startsAt = this.#stored?.[per].startsAt ?? new Date(0);
    return budgetSpent({
      what: amountWords[amount],
      per,
      used: Math.min(used, limit),
      limit,
      resetsAt: endOf(per, startsAt).toISOString(),
    });
  }

  /** Null until the store has said what others used. */
  #used(less = 0): Record<Period, Used> | null {
    const stored = this.#stored;
    if (stored === null) return null;
    const of = (period: Period): Used => ({
      statements: stored[period].statements + this.#statements - less,
      rows: stored[period].rows + this.#rows,
      maskedValues: Math.max(stored[period].maskedValues, this.countsMasked ? (this.#sketches?.[period].count ?? 0) : 0),
    });
    return { hour: of('hour'), day: of('day') };
  }

  /** Stores what was counted here and learns what others have; who asks while it is under way gets the next answer. */
  settle(): Promise<void> {
    if (this.#running === null) return this.#run();
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.#run();
      });
    return this.#next;
  }

  #run(): Promise<void> {
    const [statements, rows, seen] = [this.#statements, this.#rows, this.#seen];
    const waiting = this.#waiting.splice(0);
    this.#seen = false;
    const known = { hour: this.#stored?.hour.startsAt ?? null, day: this.#stored?.day.startsAt ?? null };
    const running = this.#settle({ statements, rows, sketches: this.countsMasked ? this.#sketches : null }, known)
      .then((stored) => {
        this.#statements -= statements;
        this.#rows -= rows;
        this.#stored = stored;
        this.#settledMs = performance.now();
        this.#answer(waiting);
      })
      .catch((error: unknown) => {
        this.#seen ||= seen;
        for (const one of waiting) this.#refuse(one, usageUnavailable());
        throw error;
      })
      .finally(() => {
        this.#running = null;
      });
    this.#running = running;
    return running;
  }

  /** Of those that were counted together the first run, as far as the budget goes; the last give back what they counted. */
  #answer(waiting: readonly Waiting[]): void {
    let kept = waiting.length;
    for (let refusal = this.#refusal(); refusal !== null && kept > 0; refusal = this.#refusal()) {
      const last = waiting[--kept];
      if (last !== undefined) this.#refuse(last, refusal);
    }
    for (const one of waiting.slice(0, kept)) one.allow();
  }

  #refuse({ statements, refuse }: Waiting, error: WireError): void {
    this.#statements -= statements;
    refuse(error);
  }
}

interface Waiting {
  statements: number;
  allow(): void;
  refuse(error: WireError): void;
}

export interface UsageKeeper {
  /** Null for a principal without budgets. */
  of(principal: { id: string; limits?: PrincipalLimits }): Usage | null;
  /** Stores what is left. */
  close(): Promise<void>;
}

/** The usages of one worker; what was counted is stored every second, and when the worker ends. */
export function createUsageKeeper(options: { store: Store; key: Buffer; onError(error: unknown): void }): UsageKeeper {
  const usages = new Map<string, Usage>();
  const settleAll = async () => {
    await Promise.all([...usages.values()].filter((usage) => usage.unsettled).map((usage) => usage.settle().catch(options.onError)));
  };
  const timer = setInterval(() => void settleAll(), FRESH_MS);
  timer.unref();
  return {
    of({ id, limits }) {
      if (limits === undefined || !hasBudget(limits)) return null;
      const known = usages.get(id);
      if (known !== undefined) {
        known.limits = limits;
        return known;
      }
      const usage = new Usage(limits, { key: options.key, settle: (delta, periods) => settleUsage(options.store, id, delta, periods) });
      usages.set(id, usage);
      return usage;
    },
    async close() {
      clearInterval(timer);
      await settleAll();
    },
  };
}
