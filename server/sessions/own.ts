import { and, eq, gte, type SQL } from 'drizzle-orm';
import { sessions, statements } from '../../db/schema/audit';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { isOwn } from '../identity/scope';

/** None of a session's statements is older than it; clocks may disagree by so much. */
const SLACK_MS = 60_000;

export interface SessionSpan {
  id: string;
  startedAt: Date;
  endedAt: Date | null;
}

/** When a session that the caller may see began and ended. @throws ServiceError NOT_FOUND where there is none, or it is none of their business */
export async function ownSession({ store, actor }: Call, id: string): Promise<SessionSpan> {
  demand(actor, 'sessions:own');
  const { startedAt, endedAt, principalName, ownerName } = sessions;
  const [row] = await store.select({ startedAt, endedAt, principalName, ownerName }).from(sessions).where(eq(sessions.id, id));
  if (row === undefined || !isOwn(actor, row)) throw notFound('session', id);
  return { id, startedAt: row.startedAt, endedAt: row.endedAt };
}

/** Its statements. The time leaves a few days' partitions to look in. */
export const statementsOf = ({ id, startedAt }: SessionSpan): SQL | undefined =>
  and(eq(statements.sessionId, id), gte(statements.at, new Date(startedAt.getTime() - SLACK_MS)));
