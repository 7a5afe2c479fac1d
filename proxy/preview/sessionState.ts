import type pg from 'pg';

/** What the held session's own transaction is doing upstream, as PostgreSQL shows it to another session of the same role. */
export interface UpstreamTransaction {
  /** pg_stat_activity.state */
  state: string | null;
  /** Milliseconds since its transaction began; null outside one. */
  openMs: number | null;
  /** Locks on relations and rows that it holds, its own transaction ids left out. */
  locks: number;
  /** It has changed something that nobody else sees yet. */
  changed: boolean;
  /** Sessions that wait for it. */
  blocking: number;
}

const SQL = `
SELECT a.state, (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::float8 AS "openMs", a.backend_xid IS NOT NULL AS changed,
  (SELECT count(*)::int FROM pg_locks l WHERE l.pid = a.pid AND l.granted AND l.locktype NOT IN ('virtualxid', 'transactionid')) AS locks,
  (SELECT count(*)::int FROM pg_stat_activity w WHERE a.pid = ANY (pg_blocking_pids(w.pid)) AND w.wait_event_type = 'Lock') AS blocking
FROM pg_stat_activity a WHERE a.pid = $1`;

/** Null when there is no such session any more. By search_path pg_catalog. @throws whatever `pg` throws */
export async function readTransaction(client: pg.ClientBase, backendPid: number): Promise<UpstreamTransaction | null> {
  return (await client.query<UpstreamTransaction>(SQL, [backendPid])).rows[0] ?? null;
}

/** Names among these that some session has a temporary table of: there they stand in front of every schema. */
export async function temporaryAmong(client: pg.ClientBase, names: readonly string[]): Promise<string[]> {
  const answer = await client.query<{ name: string }>(
    `SELECT DISTINCT relname AS name FROM pg_class WHERE relpersistence = 't' AND relname = ANY ($1)`,
    [[...names]],
  );
  return answer.rows.map(({ name }) => name);
}
