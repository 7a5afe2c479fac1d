import { type TrackedEnvelope, tracked } from '@trpc/server';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { isOwn } from '../identity/scope';
import { parseInput, resumeSchema } from '../input';
import { readSessionsSince } from '../live/changes';
import { follow } from '../live/follow';
import type { SessionRow } from './shape';

export interface SessionEvent {
  id: string;
  session: SessionRow;
}

/** Sessions as they open, are asked to end, and end. */
export async function* watchSessions(
  call: Call,
  input: unknown,
  signal: AbortSignal | undefined,
): AsyncGenerator<TrackedEnvelope<SessionEvent>, void> {
  demand(call.actor, 'sessions:own');
  const { lastEventId } = parseInput(resumeSchema, input) ?? {};
  const changes = follow(call, 'session', signal, {
    lastEventId: lastEventId ?? null,
    since: (since) => readSessionsSince(call, since),
  });
  for await (const { eventId, row } of changes) if (isOwn(call.actor, row)) yield tracked(eventId, { id: row.id, session: row });
}
