import type { Measured, Tolerance } from '../../db/schema/shapes';

/** The most rows a released statement may change: what its dry run measured and the rule's tolerance on top; null where none was made. Pure. */
export function mostRows(measured: Measured | null, tolerance: Tolerance | null): number | null {
  if (measured?.kind !== 'measured') return null;
  const { rows } = measured;
  if (tolerance === null) return rows;
  return rows + ('rows' in tolerance ? tolerance.rows : Math.floor((rows * tolerance.percent) / 100));
}

/** `10%` or a number of rows, as a policy says it. */
export const toleranceWords = (tolerance: Tolerance): string | number => ('rows' in tolerance ? tolerance.rows : `${tolerance.percent}%`);

/** Rows that a dry run measured, and the most that the run may change. */
export interface ApprovedRows {
  preview: number;
  max: number;
}

/** What a release may do; null where nothing was measured. It was measured while it waited: once it is approved nothing of it changes. Pure. */
export function approvedRows({ measured, tolerance }: { measured: Measured | null; tolerance: Tolerance | null }): ApprovedRows | null {
  const max = mostRows(measured, tolerance);
  return max === null || measured?.kind !== 'measured' ? null : { preview: measured.rows, max };
}
