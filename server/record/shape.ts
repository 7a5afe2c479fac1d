import { z } from 'zod';

/** Checkpoints somebody kept, to tie a file to that begins later. */
const keptSchema = z
  .array(z.object({ origin: z.string().min(1).max(200), size: z.number().int().nonnegative() }))
  .max(20)
  .default([]);

export const exportSchema = z.object({
  since: z.coerce.date().nullish(),
  until: z.coerce.date().nullish(),
  withValues: z.boolean().default(false),
  kept: keptSchema,
});

export const proveSchema = z.object({
  statement: z.string().regex(/^stm_[0-9a-hjkmnp-tv-z]{20}$/, 'the id of a statement: stm_…'),
  withValues: z.boolean().default(true),
  kept: keptSchema,
});

export interface NewestCheckpoint {
  origin: string;
  size: number;
  /** Base64. */
  root: string;
  /** The signed note, with the signatures of witnesses. */
  note: string;
  /** `name+hash+base64` */
  publicKey: string;
}
