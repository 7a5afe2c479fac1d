import type { MaskSpec } from '../../../db/schema/shapes';
import type { CellMask } from '../cellOut';
import { cellMask } from '../cells';

const REDACTED = Buffer.from('***');

/**
 * The mask of a rule on a span of text: what it does to a text cell, so that pseudonyms are those of masked columns. What has no meaning on
 * text (date, number) hides the span. Null for the mask `null`: then the cell becomes NULL.
 */
export function spanMask(spec: MaskSpec, hashKey: Buffer): CellMask | null {
  if (spec.type === 'null') return null;
  const mask = cellMask(spec, 'text', 0, hashKey);
  return (bytes, start, end, out) => {
    out.append(mask(bytes.subarray(start, end)) ?? REDACTED);
    return true;
  };
}
