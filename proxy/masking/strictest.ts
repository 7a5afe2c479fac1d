import type { Inference, MaskSpec } from '../../db/schema/shapes';
import type { ColumnMask } from './types';

const MASKS: readonly MaskSpec['type'][] = ['null', 'redact', 'constant', 'hash', 'partial', 'email', 'date', 'number'];
const INFERENCES: readonly Inference[] = ['closed', 'masked', 'guarded', 'open'];

/**
 * Of two masks on one column the one that shows less wins; so does the narrower inference, whichever rule it comes from. The order is total,
 * so that it does not matter in which order rules or views are met; where two masks show as much, the rule's name decides.
 */
export function strictestMask(a: ColumnMask, b: ColumnMask): ColumnMask {
  const kept = compareColumnMasks(a, b) <= 0 ? a : b;
  return { ...kept, inference: strictestInference(a.inference, b.inference), computed: a.computed || b.computed };
}

export function strictestInference(a: Inference, b: Inference): Inference {
  return INFERENCES.indexOf(a) <= INFERENCES.indexOf(b) ? a : b;
}

function compareColumnMasks(a: ColumnMask, b: ColumnMask): number {
  return (
    compareMasks(a.mask, b.mask) ||
    compareTexts(a.rule, b.rule) ||
    compareTexts(a.column, b.column) ||
    a.relationOid - b.relationOid ||
    a.attributeNumber - b.attributeNumber
  );
}

/**
 * Negative when `a` is stricter, 0 when both are the same mask. First by type: null, redact, constant, hash, partial, email, date, number.
 * Then: partial by how many characters it keeps, of as many by how few at the end, where the telling digits of cards and phones are;
 * date by the longer unit; number by the larger step, of equal ones round after bucket, because it tells which half; constants tell
 * nothing, so their order is that of their texts.
 */
export function compareMasks(a: MaskSpec, b: MaskSpec): number {
  if (a.type === 'partial' && b.type === 'partial') return keptBy(a) - keptBy(b) || (a.keepLast ?? 0) - (b.keepLast ?? 0);
  if (a.type === 'date' && b.type === 'date') return UNITS.indexOf(a.truncate) - UNITS.indexOf(b.truncate);
  if (a.type === 'number' && b.type === 'number')
    return stepOf(b) - stepOf(a) || Number(a.round !== undefined) - Number(b.round !== undefined);
  if (a.type === 'constant' && b.type === 'constant') return compareTexts(a.value, b.value);
  return MASKS.indexOf(a.type) - MASKS.indexOf(b.type);
}

const UNITS = ['year', 'month', 'day'] as const;
const keptBy = (mask: { keepFirst?: number; keepLast?: number }): number => (mask.keepFirst ?? 0) + (mask.keepLast ?? 0);

/** A mask without a step leaves NULL. */
const stepOf = (mask: { round?: number; bucket?: number }): number => mask.bucket ?? mask.round ?? Number.MAX_VALUE;

/** By code units: the same everywhere, whatever the locale. */
const compareTexts = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
