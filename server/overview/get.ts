import { and, asc, desc, eq, gte, isNull, sql } from 'drizzle-orm';
import { approvalRequests } from '../../db/schema/approvals';
import { sessions, statements } from '../../db/schema/audit';
import { connections, policyState } from '../../db/schema/policy';
import { statementColumns } from '../audit/columns';
import { readHistogram } from '../audit/histogram';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { ownRequests, ownSessions, ownStatements } from '../identity/scope';
import type { Overview } from './shape';

const HOUR_MS = 3_600_000;
const count = sql<number>`count(*)::int`;

/** The gateway at a glance. Days are UTC days. */
export async function getOverview({ store, actor }: Call): Promise<Overview> {
  demand(actor, 'overview:own');
  const now = new Date();
  const [state] = await store.select({ version: policyState.version }).from(policyState);
  const [open] = await store
    .select({ count })
    .from(sessions)
    .where(and(ownSessions(actor), isNull(sessions.endedAt)));
  const [pending] = await store
    .select({ count })
    .from(approvalRequests)
    .where(and(ownRequests(actor), eq(approvalRequests.status, 'pending')));
  const [upstreams] = await store.select({ count }).from(connections);
  const [today] = await store
    .select({
      statements: count,
      held: sql<number>`count(*) filter (where ${statements.verdict} = 'hold')::int`,
      denied: sql<number>`count(*) filter (where ${statements.verdict} = 'deny')::int`,
      masked: sql<number>`count(*) filter (where ${statements.maskedColumns} <> '[]'::jsonb or ${statements.detected} @> '[{"mode": "enforce"}]'::jsonb)::int`,
    })
    .from(statements)
    .where(and(ownStatements(actor), gte(statements.at, sql`date_trunc('day', now(), 'UTC')`)));
  const [first] = await store
    .select({ id: statements.id, at: statements.at, sql: statements.sql, principalName: statements.principalName })
    .from(statements)
    .where(ownStatements(actor))
    .orderBy(asc(statements.at), asc(statements.id))
    .limit(1);
  const recent = await store
    .select(statementColumns)
    .from(statements)
    .where(ownStatements(actor))
    .orderBy(desc(statements.at), desc(statements.id))
    .limit(10);
  return {
    policyVersion: state?.version ?? 0,
    openSessions: open?.count ?? 0,
    pendingRequests: pending?.count ?? 0,
    statementsToday: today?.statements ?? 0,
    heldToday: today?.held ?? 0,
    deniedToday: today?.denied ?? 0,
    maskedToday: today?.masked ?? 0,
    connections: upstreams?.count ?? 0,
    firstStatement: first ?? null,
    recent,
    histogram: await readHistogram(store, actor, [], new Date(now.getTime() - 24 * HOUR_MS), now, HOUR_MS),
  };
}
