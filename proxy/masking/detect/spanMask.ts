import type { MaskSpec } from '../../../db/schema/shapes';
import type { CellMask } from '../cellOut';
import { cellMaskFor } from '../transforms/cellMaskFor';

const TEXT_OID = 25;
const REDACTED = Buffer.from('***');

/**
 * The mask of a rule on a span of text: what it does to a text cell, so that pseudonyms are those of masked columns. What has no meaning on
 * text (date, number) hides the span. Null for the mask `null`: then the cell becomes NULL.
 */
export function spanMask(spec: MaskSpec, hashKey: Buffer): CellMask | null {
  if (spec.type === 'null') return null;
  const mask = cellMaskFor({ spec, typeOid: TEXT_OID, format: 0, types: new Map(), hashKey });
  return (bytes, start, end, out) => {
    if (!mask(bytes, start, end, out)) out.append(REDACTED);
    return true;
  };
}
