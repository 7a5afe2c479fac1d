import { randomBytes } from 'node:crypto';
import type { Store } from '../../db/store';
import { codeOf } from '../../proxy/worker/shownError';
import { approveAccess, rejectAccess } from '../accessRequests/decide';
import { approveRequest } from '../approvals/approve';
import { rejectRequest } from '../approvals/reject';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { log } from '../log';
import type { SlackApi } from './api';
import { type SlackPerson, whoIs } from './who';

export interface SlackDecision {
  id: string;
  decision: 'approve' | 'reject';
  reason: string | null;
}

export interface DecideContext {
  store: Store;
  secretKey: Buffer;
  api: SlackApi;
  signal: AbortSignal;
}

/** Decides as the person behind the Slack user, by the verbs the console calls, with all they demand. Null when done, else why not. */
export async function decideFromSlack(context: DecideContext, person: SlackPerson, decision: SlackDecision): Promise<string | null> {
  try {
    const known = await whoIs(context.store, context.api, person, context.signal);
    if ('refused' in known) return known.refused;
    const { store, secretKey } = context;
    await decideBy({ store, secretKey, actor: known.actor }, decision);
    return null;
  } catch (error) {
    if (error instanceof ServiceError) return error.message;
    const errorId = `err_${randomBytes(6).toString('hex')}`;
    log.error({ errorId, code: codeOf(error) }, 'unexpected error in a decision from Slack');
    return `something went wrong in the gateway (${errorId}); its log says what. Nothing was decided`;
  }
}

async function decideBy(call: Call, { id, decision, reason }: SlackDecision): Promise<void> {
  if (id.startsWith('acr_')) {
    if (decision === 'approve') await approveAccess(call, { id });
    else await rejectAccess(call, { id, reason });
  } else if (decision === 'approve') await approveRequest(call, { id });
  else await rejectRequest(call, { id, reason });
}
