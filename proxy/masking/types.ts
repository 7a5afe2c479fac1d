import type { Inference, MaskSpec } from '../../db/schema/shapes';

/** A masked column as one principal meets it on one connection. */
export interface ColumnMask {
  relationOid: number;
  attributeNumber: number;
  /** `schema.table.column` */
  column: string;
  /** The masking rule's name. */
  rule: string;
  mask: MaskSpec;
  inference: Inference;
}

/**
 * How a statement meets masked data.
 * clean: names nothing masked, bytes pass. resolved: every masked value can only leave as a plain output column, which
 * RowDescription names by origin. unresolved: anything else; refused.
 */
export type Touch =
  | { state: 'clean' }
  | { state: 'resolved'; columns: readonly string[] }
  | { state: 'unresolved'; reason: string; columns: readonly string[] };
