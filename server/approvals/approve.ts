import { z } from 'zod';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { isOwn } from '../identity/scope';
import { parseInput } from '../input';
import type { Purpose } from '../passkeys/challenge';
import { confirm, confirmationOptions, confirmationSchema, type RequestOptions } from '../passkeys/confirm';
import type { ConfirmedDecision } from './confirmed';
import { decideRequest, demandDecidable } from './decide';
import { readRequest, type StoredRequest } from './read';
import type { RequestDetail } from './shape';

/** A grant for longer than a day is a rule, and belongs into the policy. */
const MAX_MINUTES = 24 * 60;

export const scopeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('once') }),
  z.object({ kind: z.literal('session') }),
  z.object({ kind: z.literal('minutes'), minutes: z.int().min(1).max(MAX_MINUTES) }),
]);

const decisionSchema = z.object({
  id: z.string(),
  reason: z.string().trim().max(1_000).nullish(),
  /** Absent: one run. */
  scope: scopeSchema.nullish(),
});
export const confirmApprovalSchema = decisionSchema;
export const approveSchema = decisionSchema.extend({
  /** What a passkey signed, of {@link confirmApproval}; needed where the rule asks for it. */
  confirmation: confirmationSchema.optional(),
});
type Decision = z.output<typeof decisionSchema>;

/** Asks the reviewer's passkey to sign this very approval: of this request, its text and parameters, with this scope and reason. */
export async function confirmApproval(call: Call, input: unknown): Promise<RequestOptions> {
  demand(call.actor, 'approvals:own');
  const decision = parseInput(confirmApprovalSchema, input);
  const request = await readRequest(call.store, decision.id);
  if (request === undefined || !isOwn(call.actor, request)) throw notFound('request', decision.id);
  await demandDecidable(call.store, call.actor, request);
  return confirmationOptions(call, purposeOf(request, decision));
}

/** Approves a held statement: what was shown is what runs. Throws CONFLICT when somebody decided first, in words that say who and when. */
export async function approveRequest(call: Call, input: unknown): Promise<RequestDetail> {
  // Which role decides is part of mayDecide: a member gets the reason and the names of those who can.
  const { store, actor } = call;
  demand(actor, 'approvals:own');
  const { confirmation, ...decision } = parseInput(approveSchema, input);
  const confirmed = confirmation === undefined ? null : await confirmedBy(call, decision, confirmation);
  const { id, reason, scope } = decision;
  return decideRequest(store, actor, { id, decision: 'approve', reason: reason ?? null, scope: scope ?? null, confirmed });
}

async function confirmedBy(call: Call, decision: Decision, confirmation: unknown): Promise<ConfirmedDecision> {
  const request = await readRequest(call.store, decision.id);
  if (request === undefined || !isOwn(call.actor, request)) throw notFound('request', decision.id);
  const passkey = await confirm(call, purposeOf(request, decision), confirmation, request.id);
  return { passkey, digest: request.digest };
}

const purposeOf = ({ id, digest }: StoredRequest, { scope, reason }: Decision): Purpose => ({
  kind: 'approve',
  requestId: id,
  digest,
  scope: scope ?? null,
  reason: reason ?? null,
});
