import { type TrackedEnvelope, tracked } from '@trpc/server';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { isOwn } from '../identity/scope';
import { parseInput, resumeSchema } from '../input';
import { readStatementsSince } from '../live/changes';
import { follow } from '../live/follow';
import type { StatementRow } from './shape';

/** Statements as they are recorded, and again when their outcome is. */
export async function* watchStatements(
  call: Call,
  input: unknown,
  signal: AbortSignal | undefined,
): AsyncGenerator<TrackedEnvelope<StatementRow>, void> {
  demand(call.actor, 'audit:own');
  const { lastEventId } = parseInput(resumeSchema, input) ?? {};
  const rows = follow(call, 'statement', signal, {
    lastEventId: lastEventId ?? null,
    since: (since) => readStatementsSince(call, since),
  });
  for await (const { eventId, row } of rows) if (isOwn(call.actor, row)) yield tracked(eventId, row);
}
