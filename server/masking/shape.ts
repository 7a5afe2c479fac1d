import { z } from 'zod';
import type { Detector, Inference, MaskSpec, Mode } from '../../db/schema/shapes';
import { nameSchema } from '../input';
import { detectorSchema, inferenceSchema, maskSpecSchema, modeSchema } from '../policy/shapes';

export interface MaskingRow {
  id: string;
  position: number;
  name: string;
  connections: string[];
  columns: string[];
  detect: Detector[];
  mask: MaskSpec;
  inference: Inference;
  exceptGroups: string[];
  mode: Mode;
  updatedAt: Date;
}

/** `schema.table.column`, `table.column` or `column`, with `*` inside a part; proxy/policy/glob.ts reads them. */
export const columnGlob = z
  .string()
  .max(200)
  .regex(/^[^.]+(\.[^.]+){0,2}$/, 'columns are written schema.table.column, e.g. "public.*.card_number"');

export const maskingDraftSchema = z
  .object({
    id: z.string().optional(),
    name: nameSchema,
    connections: z.array(z.string()).max(200).default([]),
    columns: z.array(columnGlob).max(1_000).default([]),
    detect: z.array(detectorSchema).max(20).default([]),
    mask: maskSpecSchema,
    inference: inferenceSchema.default('guarded'),
    exceptGroups: z.array(z.string()).max(200).default([]),
    mode: modeSchema.default('enforce'),
  })
  .superRefine((rule, context) => {
    if (rule.columns.length === 0 && rule.detect.length === 0)
      context.addIssue({ code: 'custom', path: ['columns'], message: 'name at least one column, or what to detect' });
  });

/** One column of a connection's schema: is it masked by a rule in force, and does its name look as if it should be? */
export interface SchemaColumn {
  /** `schema.table.column` */
  column: string;
  schema: string;
  table: string;
  name: string;
  type: string;
  /** The masking rule that covers it; null when none does. */
  coveredBy: string | null;
  /** How that rule's mask reaches a column it does not name: `view of public.customers.email`; else null. */
  because: string | null;
  sensitive: boolean;
}

/** A column that one masking rule covers. */
export interface CoveredColumn {
  /** `schema.table.column` */
  column: string;
  type: string;
  /** `partial, last 4`; by the strictest rule that covers it. */
  leaves: string;
  /** The rule names the column itself. */
  named: boolean;
  /** Else how the mask reaches it: `view of public.customers.email`. */
  because: string;
  /** Another rule that masks it more strictly and decides. */
  stricter: string | null;
}

/** What a masking rule covers on one connection; in modes other than `enforce`, what it would. */
export interface MaskingPreview {
  rule: string;
  connection: string;
  mode: Mode;
  /** False when the rule does not speak of the connection. */
  applies: boolean;
  /** Those the rule names first, then by name. */
  columns: CoveredColumn[];
}
