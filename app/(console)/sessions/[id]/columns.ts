import type { TimelineBin } from '../../../data/types';
import { placeOf, type Stretch } from './timeScale';

export const COUNTS = ['allow', 'failed', 'hold', 'deny'] as const;

/** Bins that are drawn as one. */
export interface Column extends Record<(typeof COUNTS)[number], number> {
  fromMs: number;
  toMs: number;
}

export const countOf = (column: Column): number => COUNTS.reduce((sum, key) => sum + column[key], 0);

/** Bins put together until each has a share of the width to itself: `count` columns at most, in order. No count is lost. */
export function columnsOf(bins: readonly TimelineBin[], stretches: readonly Stretch[], count: number): Column[] {
  const columns: Column[] = [];
  let lastSlot = -1;
  for (const bin of bins) {
    const [fromMs, toMs] = [bin.from.getTime(), bin.to.getTime()];
    const slot = Math.min(count - 1, Math.floor(placeOf(stretches, fromMs) * count));
    const last = columns.at(-1);
    if (last === undefined || slot > lastSlot) columns.push({ fromMs, toMs, ...only(bin) });
    else {
      last.toMs = Math.max(last.toMs, toMs);
      for (const key of COUNTS) last[key] += bin[key];
    }
    lastSlot = Math.max(lastSlot, slot);
  }
  return columns;
}

const only = ({ allow, failed, hold, deny }: TimelineBin) => ({ allow, failed, hold, deny });

/** The column that an instant belongs to: the last that begins no later; -1: none does. */
export const columnAt = (columns: readonly Column[], ms: number): number => columns.findLastIndex((column) => column.fromMs <= ms);
