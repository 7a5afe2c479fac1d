import type { Inference, MaskSpec } from '../../db/schema/shapes';
import type { CopyOptions } from './copy/options';

/**
 * How a mask reached a column that no rule names: what the column repeats, or is computed from.
 * generated: a generated column of the same table. view: a view, materialised or not. child, parent: inheritance and partitions.
 * foreign key: it repeats the key it references. trigger: a trigger of a masked table writes this one. foreign table: it may read
 * this very database.
 */
export interface MaskOrigin {
  kind: 'generated' | 'view' | 'child' | 'parent' | 'foreign key' | 'trigger' | 'foreign table';
  /** The masked column it came from, `schema.table.column`; of a trigger the trigger's table. */
  from: string;
}

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
  /** Not the column's own value, but computed from a masked one: a generated column, an expression of a view. */
  computed: boolean;
  /** Absent where a rule names the column itself. */
  origin?: MaskOrigin;
}

/** How one output column of a statement leaves that shows masked columns. */
export interface OutputMask {
  spec: MaskSpec;
  /** It is computed from them, not a copy. */
  computed: boolean;
  /** As part of a row value, whose other columns are hidden with it. */
  wholeRow?: boolean;
  /** The masked columns behind it, `schema.table.column`. */
  columns: readonly string[];
  rules: readonly string[];
  /** The one of their masks that shows least, with the narrowest inference of all. */
  strictest: ColumnMask;
  /** From the nearest view's column to the masked column itself, one path each. */
  paths: readonly (readonly string[])[];
}

/** What the analysis expects of one output column, to be compared with what the server describes. */
export interface ExpectedOutput {
  name: string;
  /** 0 when the analysis does not know it. */
  typeOid: number;
  mask: OutputMask | null;
  /** Every column it may be a copy of, as `relationOid.number`. */
  origins: ReadonlySet<string>;
}

/**
 * What a statement is refused for, apart from the words for it.
 * compared: a masked column would decide the result. guesses: too many constants in one statement. fails: whether a computation fails
 * would tell. stored: a value would go where no mask covers it, `target` null for a new relation. untraced: its lineage cannot be told.
 */
export type RefusalCause =
  | { kind: 'compared'; construct: string; inference: Inference; explained: boolean; rules: readonly string[] }
  | { kind: 'guesses'; most: number }
  | { kind: 'fails'; construct: string; rules: readonly string[] }
  | { kind: 'stored'; target: string | null }
  | { kind: 'system relation' }
  | { kind: 'untraced'; why: string };

/**
 * How a statement meets masked data.
 * clean: names nothing masked, bytes pass. resolved: it does, and for each of its output columns it is known which masked columns are behind
 * it. unresolved: anything else; refused.
 */
export type Touch =
  | { state: 'clean' }
  | {
      state: 'resolved';
      columns: readonly string[];
      /** In the order of the result; null for a result that no lineage describes, such as a plan: it may have no masked origin. */
      outputs: readonly ExpectedOutput[] | null;
      /** How a COPY … TO STDOUT writes its rows; null for every other statement. */
      copy: CopyOptions | null;
    }
  | {
      state: 'unresolved';
      reason: string;
      columns: readonly string[];
      /** Its names or constructs could not be followed: it may be one that the server refuses in words of its own. */
      unfollowed?: boolean;
      cause?: RefusalCause;
    };
