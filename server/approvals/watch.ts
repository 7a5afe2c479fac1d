import { type TrackedEnvelope, tracked } from '@trpc/server';
import type { ApprovalStatus } from '../../db/schema/shapes';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { isOwn } from '../identity/scope';
import { parseInput, resumeSchema } from '../input';
import { readRequestsSince } from '../live/changes';
import { follow } from '../live/follow';
import type { RequestRow } from './shape';

export interface RequestEvent {
  id: string;
  status: ApprovalStatus;
  row: RequestRow;
}

/** Every change of every request the caller may see, as it happens. The same change may come twice; its row is always the current one. */
export async function* watchRequests(
  call: Call,
  input: unknown,
  signal: AbortSignal | undefined,
): AsyncGenerator<TrackedEnvelope<RequestEvent>, void> {
  demand(call.actor, 'approvals:own');
  const { lastEventId } = parseInput(resumeSchema, input) ?? {};
  const changes = follow(call, 'request', signal, {
    lastEventId: lastEventId ?? null,
    since: (since) => readRequestsSince(call, since),
  });
  for await (const { eventId, row } of changes) if (isOwn(call.actor, row)) yield tracked(eventId, { id: row.id, status: row.status, row });
}
