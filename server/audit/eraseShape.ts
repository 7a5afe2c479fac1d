import { z } from 'zod';

const day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, 'a day in UTC, e.g. 2026-11-26')
  .refine((text) => !Number.isNaN(Date.parse(text)), 'not a day');

export const eraseSchema = z
  .object({
    principal: z.string().min(1).max(63).optional(),
    /** Days in UTC, both included. */
    since: day.optional(),
    until: day.optional(),
    statement: z.string().min(1).max(64).optional(),
    reason: z.string().trim().min(1, 'say why: it is recorded').max(500),
  })
  .refine(({ principal, statement }) => (principal === undefined) !== (statement === undefined), 'name a principal or a statement')
  .refine(
    ({ statement, since, until }) => statement === undefined || (since === undefined && until === undefined),
    'a statement has its day',
  )
  .refine(({ since, until }) => since === undefined || until === undefined || since <= until, 'since is after until');

/** What an erasure did at once; the gateways' files follow within seconds (their rows of `erasure_nodes`). */
export interface Erased {
  id: string;
  /** Value keys that are gone: one for each day. 0 for a statement, whose values themselves are overwritten. */
  keys: number;
}
