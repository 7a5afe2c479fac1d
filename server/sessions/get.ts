import { asc, eq } from 'drizzle-orm';
import { sessions, statements } from '../../db/schema/audit';
import { statementColumns } from '../audit/columns';
import type { StatementRow } from '../audit/shape';
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
export async function getSession({ store, actor }: Call, input: unknown): Promise<{ session: SessionRow; statements: StatementRow[] }> {
  demand(actor, 'sessions:own');
  const { id } = parseInput(idSchema, input);
  const [session] = await readSessions(store, eq(sessions.id, id), 1);
  if (session === undefined || !isOwn(actor, session)) throw notFound('session', id);
  const rows = await store
    .select(statementColumns)
    .from(statements)
    .where(eq(statements.sessionId, id))
    .orderBy(asc(statements.at), asc(statements.id))
    .limit(MOST_STATEMENTS);
  return { session, statements: rows };
}
