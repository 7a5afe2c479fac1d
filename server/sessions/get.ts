import { and, asc, eq, gte } from 'drizzle-orm';
import { sessions, statements } from '../../db/schema/audit';
import { readRows } from '../audit/rows';
import type { StatementRow } from '../audit/shape';
import { createValueReader } from '../audit/values';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { isOwn } from '../identity/scope';
import { idSchema, parseInput } from '../input';
import { readSessions } from './read';
import type { SessionRow } from './shape';

/** More than a timeline can show; the audit page has the rest (`session:ses_…`). */
const MOST_STATEMENTS = 1_000;

/** A session and its first statements in the order they ran. */
export async function getSession(call: Call, input: unknown): Promise<{ session: SessionRow; statements: StatementRow[] }> {
  const { store, actor } = call;
  demand(actor, 'sessions:own');
  const { id } = parseInput(idSchema, input);
  const [session] = await readSessions(call, eq(sessions.id, id), 1);
  if (session === undefined || !isOwn(actor, session)) throw notFound('session', id);
  const keys = await store
    .select({ id: statements.id, at: statements.at })
    .from(statements)
    .where(and(eq(statements.sessionId, id), gte(statements.at, new Date(session.startedAt.getTime() - 60_000))))
    .orderBy(asc(statements.at), asc(statements.id))
    .limit(MOST_STATEMENTS);
  return { session, statements: await readRows(store, createValueReader(call), keys) };
}
