import type { Inference, MaskSpec } from '../../db/schema/shapes';
import type { ColumnMask } from './types';

const MASKS: readonly MaskSpec['type'][] = ['null', 'redact', 'constant', 'hash', 'partial', 'email', 'date', 'number'];
const INFERENCES: readonly Inference[] = ['closed', 'masked', 'guarded', 'open'];

/** 0 shows least. */
export const strictness = (mask: MaskSpec): number => MASKS.indexOf(mask.type);

/** Of two masks on one column the one that shows less wins; so does the narrower inference, whichever rule it comes from. */
export function strictestMask(a: ColumnMask, b: ColumnMask): ColumnMask {
  const [kept, other] = strictness(a.mask) <= strictness(b.mask) ? [a, b] : [b, a];
  return { ...kept, inference: strictestInference(kept.inference, other.inference) };
}

export function strictestInference(a: Inference, b: Inference): Inference {
  return INFERENCES.indexOf(a) <= INFERENCES.indexOf(b) ? a : b;
}
