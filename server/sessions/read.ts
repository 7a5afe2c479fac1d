import { type SQL, sql } from 'drizzle-orm';
import { sessions, statements } from '../../db/schema/audit';
import type { StoreHandle } from '../../db/store';
import type { SessionRow } from './shape';

/** Sessions with their statement count and latest statement, newest first (ids sort by time). */
export async function readSessions(store: StoreHandle, where: SQL | undefined, limit: number): Promise<SessionRow[]> {
  const latest = store
    .selectDistinctOn([statements.sessionId], {
      sessionId: statements.sessionId,
      id: statements.id,
      at: statements.at,
      sql: statements.sql,
      verdict: statements.verdict,
      status: statements.status,
    })
    .from(statements)
    .where(sql`${statements.sessionId} = ${sessions.id}`)
    .orderBy(statements.sessionId, sql`${statements.at} desc`, sql`${statements.id} desc`)
    .as('latest');
  const rows = await store
    .select({
      session: sessions,
      statements: sql<number>`(select count(*)::int from statements s where s.session_id = ${sessions.id})`,
      last: { id: latest.id, at: latest.at, sql: latest.sql, verdict: latest.verdict, status: latest.status },
    })
    .from(sessions)
    .leftJoinLateral(latest, sql`true`)
    .where(where)
    .orderBy(sql`${sessions.id} desc`)
    .limit(limit);
  return rows.map(({ session: { principalId: _principal, ...session }, statements: count, last }) => ({
    ...session,
    statements: count,
    lastStatement: last,
  }));
}
