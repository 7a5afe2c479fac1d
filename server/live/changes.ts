import { desc, eq, gt, inArray, or, sql } from 'drizzle-orm';
import { approvalRequests } from '../../db/schema/approvals';
import { sessions, statements } from '../../db/schema/audit';
import type { Store } from '../../db/store';
import { readRequests, toRequestRow } from '../approvals/read';
import type { RequestRow } from '../approvals/shape';
import { readRows } from '../audit/rows';
import type { StatementRow } from '../audit/shape';
import { createValueReader } from '../audit/values';
import { readSessions } from '../sessions/read';
import type { SessionRow } from '../sessions/shape';

/** More changes than this since a client last listened: it reads the list instead. */
const MOST_CHANGES = 200;

/** What opens the values of statements, too. */
export interface LiveSource {
  store: Store;
  secretKey: Buffer;
}

export async function readRequestNow({ store }: LiveSource, id: string): Promise<RequestRow[]> {
  return (await readRequests(store, eq(approvalRequests.id, id), 1)).map(toRequestRow);
}

/** Requests that were made, approved, decided or ended after `since`, oldest first. */
export async function readRequestsSince({ store }: LiveSource, since: Date): Promise<RequestRow[]> {
  const decidedSince = sql`exists (select 1 from approval_decisions d where d.request_id = approval_requests.id and d.at > ${since.toISOString()}::timestamptz)`;
  const changed = or(
    gt(approvalRequests.createdAt, since),
    gt(approvalRequests.decidedAt, since),
    gt(approvalRequests.endedAt, since),
    decidedSince,
  );
  return (await readRequests(store, changed, MOST_CHANGES)).map(toRequestRow).reverse();
}

/** These sessions as they are, oldest first. */
export async function readSessionsNow(source: LiveSource, ids: readonly string[]): Promise<SessionRow[]> {
  return (await readSessions(source, inArray(sessions.id, [...ids]), ids.length)).reverse();
}

export async function readSessionsSince(source: LiveSource, since: Date): Promise<SessionRow[]> {
  const changed = or(gt(sessions.startedAt, since), gt(sessions.endedAt, since), gt(sessions.killRequestedAt, since));
  return (await readSessions(source, changed, MOST_CHANGES)).reverse();
}

/** The latest statements that began after `since`, oldest first. Under heavy traffic the tail is a sample: the search has every row. */
export async function readStatementsSince(source: LiveSource, since: Date): Promise<StatementRow[]> {
  const keys = await source.store
    .select({ id: statements.id, at: statements.at })
    .from(statements)
    .where(gt(statements.at, since))
    .orderBy(desc(statements.at), desc(statements.id))
    .limit(MOST_CHANGES);
  return readRows(source.store, createValueReader(source), keys.reverse());
}
