import { z } from 'zod';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { decideRequest } from './decide';
import type { RequestDetail } from './shape';

export const rejectSchema = z.object({ id: z.string(), reason: z.string().trim().min(1, 'say why: the client sees it').max(1_000) });

/** Rejects a held statement. One rejection ends it, however many approvals it had; the reason reaches the client as DETAIL. */
export async function rejectRequest({ store, actor }: Call, input: unknown): Promise<RequestDetail> {
  demand(actor, 'approvals:own');
  const { id, reason } = parseInput(rejectSchema, input);
  return decideRequest(store, actor, { id, decision: 'reject', reason });
}
