import { and, eq, gte, isNull, sql } from 'drizzle-orm';
import { approvalRequests } from '../../db/schema/approvals';
import { sessions, statementHours } from '../../db/schema/audit';
import { connections, policyState } from '../../db/schema/policy';
import { readHistogram } from '../audit/histogram';
import { coarseOfHours } from '../audit/hours';
import { readKeys, waysOf } from '../audit/keys';
import { resolveTerms } from '../audit/resolve';
import { readRows } from '../audit/rows';
import { createValueReader } from '../audit/values';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { ownRequests, ownSessions } from '../identity/scope';
import type { Overview } from './shape';

const HOUR_MS = 3_600_000;
const count = sql<number>`count(*)::int`;

/** The gateway at a glance. Days are UTC days. */
export async function getOverview(call: Call): Promise<Overview> {
  const { store, actor } = call;
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
  const own = await resolveTerms(call, []);
  const counted = (where: ReturnType<typeof sql>) =>
    sql<number>`coalesce(sum(${statementHours.statements}) filter (where ${where}), 0)::int`;
  const [today] = await store
    .select({
      statements: counted(sql`true`),
      held: counted(sql`${statementHours.verdict} = 'hold'`),
      denied: counted(sql`${statementHours.verdict} = 'deny'`),
      masked: counted(sql`${statementHours.masked}`),
    })
    .from(statementHours)
    .where(and(coarseOfHours(own), gte(statementHours.hour, sql`date_trunc('day', now(), 'UTC')`)));
  const everything = { range: { from: null, to: null }, cursor: null };
  const first = await readKeys(store, waysOf(own, []), { ...everything, sort: 'oldest', limit: 1 });
  const latest = await readKeys(store, waysOf(own, []), { ...everything, sort: 'newest', limit: 10 });
  const values = createValueReader(call);
  const [firstRow] = await readRows(store, values, first);
  return {
    policyVersion: state?.version ?? 0,
    openSessions: open?.count ?? 0,
    pendingRequests: pending?.count ?? 0,
    statementsToday: today?.statements ?? 0,
    heldToday: today?.held ?? 0,
    deniedToday: today?.denied ?? 0,
    maskedToday: today?.masked ?? 0,
    connections: upstreams?.count ?? 0,
    firstStatement:
      firstRow === undefined ? null : { id: firstRow.id, at: firstRow.at, sql: firstRow.sql, principalName: firstRow.principalName },
    recent: await readRows(store, values, latest),
    histogram: await readHistogram(call, [], new Date(now.getTime() - 24 * HOUR_MS), now, HOUR_MS),
  };
}
