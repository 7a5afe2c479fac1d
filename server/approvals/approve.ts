import { z } from 'zod';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { decideRequest } from './decide';
import type { RequestDetail } from './shape';

/** A grant for longer than a day is a rule, and belongs into the policy. */
const MAX_MINUTES = 24 * 60;

export const scopeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('once') }),
  z.object({ kind: z.literal('session') }),
  z.object({ kind: z.literal('minutes'), minutes: z.int().min(1).max(MAX_MINUTES) }),
]);

export const approveSchema = z.object({
  id: z.string(),
  reason: z.string().trim().max(1_000).nullish(),
  /** Absent: one run. */
  scope: scopeSchema.nullish(),
});

/** Approves a held statement: what was shown is what runs. Throws CONFLICT when somebody decided first, in words that say who and when. */
export async function approveRequest({ store, actor }: Call, input: unknown): Promise<RequestDetail> {
  // Which role decides is part of mayDecide: a member gets the reason and the names of those who can.
  demand(actor, 'approvals:own');
  const { id, reason, scope } = parseInput(approveSchema, input);
  return decideRequest(store, actor, { id, decision: 'approve', reason: reason ?? null, scope: scope ?? null });
}
