import type { ColumnDescription } from '../../wire/backend';
import type { CellMask } from '../cellOut';
import type { Types } from '../transforms/family';
import { detectingMask } from './detectingMask';
import { DetectionHits } from './hits';
import type { DetectingRule } from './rules';

/** The rules that look into a result's cells, and what their masks need. */
export interface Detection {
  rules: readonly DetectingRule[];
  types: Types;
  hashKey: Buffer;
}

/** The content masks of a result's columns by position, null where there is nothing to look for, and what counts their hits. */
export interface DetectingColumns {
  masks: readonly (CellMask | null)[];
  hits: DetectionHits;
}

/** Null when no column of the result can hold anything to find. */
export function detectingColumns(
  columns: readonly Pick<ColumnDescription, 'typeOid' | 'format'>[],
  { rules, types, hashKey }: Detection,
): DetectingColumns | null {
  if (rules.length === 0) return null;
  const hits = new DetectionHits(rules);
  const masks = columns.map(({ typeOid, format }) => detectingMask(rules, typeOid, format, types, hashKey, hits));
  return masks.every((mask) => mask === null) ? null : { masks, hits };
}
