import { z } from 'zod';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { decideRequest } from './decide';
import type { RequestDetail } from './shape';

export const approveSchema = z.object({ id: z.string(), reason: z.string().trim().max(1_000).nullish() });

/** Approves a held statement: what was shown is what runs. Throws CONFLICT when somebody decided first, in words that say who and when. */
export async function approveRequest({ store, actor }: Call, input: unknown): Promise<RequestDetail> {
  // Which role decides is part of mayDecide: a member gets the reason and the names of those who can.
  demand(actor, 'approvals:own');
  const { id, reason } = parseInput(approveSchema, input);
  return decideRequest(store, actor, { id, decision: 'approve', reason: reason ?? null });
}
