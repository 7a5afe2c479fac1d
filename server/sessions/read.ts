import { desc, getTableColumns, type SQL, sql } from 'drizzle-orm';
import { sessions, statements } from '../../db/schema/audit';
import { readRows } from '../audit/rows';
import { createValueReader } from '../audit/values';
import type { Call } from '../identity/actor';
import type { SessionRow } from './shape';

/** Of a session that is open: a list does not wait for one that has run for weeks. */
const MOST_COUNTED = 10_000;

/**
 * Sessions with their statement count and latest statement, newest first (ids sort by time). One that is over has said how many it ran;
 * those of an open one are counted, up to `mostCounted`.
 */
export async function readSessions(
  call: Pick<Call, 'store' | 'secretKey'>,
  where: SQL | undefined,
  limit: number,
  mostCounted = MOST_COUNTED,
): Promise<SessionRow[]> {
  const { store } = call;
  // None of its statements is older than it, which leaves a few days' partitions.
  const itsOwn = sql`${statements.sessionId} = ${sessions.id} and ${statements.at} >= ${sessions.startedAt} - interval '1 minute'`;
  const latest = store
    .select({ id: statements.id, at: statements.at })
    .from(statements)
    .where(itsOwn)
    .orderBy(desc(statements.at), desc(statements.id))
    .limit(1)
    .as('latest');
  const some = store
    .select({ at: statements.at })
    .from(statements)
    .where(sql`${sessions.statementsRun} is null and ${itsOwn}`)
    .limit(mostCounted + 1)
    .as('some');
  const count = store
    .select({ value: sql<number>`count(*)::int`.as('value') })
    .from(some)
    .as('counted');
  const rows = await store
    .select({ session: getTableColumns(sessions), statements: count.value, last: { id: latest.id, at: latest.at } })
    .from(sessions)
    .leftJoinLateral(latest, sql`true`)
    .leftJoinLateral(count, sql`true`)
    .where(where)
    .orderBy(desc(sessions.id))
    .limit(limit);
  const keys = rows.flatMap(({ last }) => (last === null ? [] : [last]));
  const lastRows = new Map((await readRows(store, createValueReader(call), keys)).map((row) => [row.sessionId, row]));
  return rows.map(({ session, statements: value }) => {
    const last = lastRows.get(session.id);
    const counted = session.statementsRun ?? value ?? 0;
    const hasMore = session.statementsRun === null && counted > mostCounted;
    return {
      ...rowOf(session),
      statements: hasMore ? mostCounted : counted,
      hasMoreStatements: hasMore,
      lastStatement: last === undefined ? null : { id: last.id, at: last.at, sql: last.sql, verdict: last.verdict, status: last.status },
    };
  });
}

function rowOf(session: typeof sessions.$inferSelect): Omit<SessionRow, 'statements' | 'hasMoreStatements' | 'lastStatement'> {
  const { principalId: _principal, statementsRun: _run, openIndex: _open, closeIndex: _close, node: _node, ...row } = session;
  return row;
}
