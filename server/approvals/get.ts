import { and, eq, ne, sql } from 'drizzle-orm';
import { approvalGrants, approvalRequests } from '../../db/schema/approvals';
import { statements } from '../../db/schema/audit';
import type { Measured, Role } from '../../db/schema/shapes';
import type { StoreHandle } from '../../db/store';
import { mostRows } from '../../proxy/preview/tolerance';
import { notFound } from '../errors';
import type { Actor, Call } from '../identity/actor';
import { demand, PERMISSIONS } from '../identity/permission';
import { isOwn } from '../identity/scope';
import { idSchema, parseInput } from '../input';
import { countPasskeys } from '../passkeys/list';
import { whereTaken } from '../passkeys/relyingParty';
import { readEditors } from './editors';
import { mayDecide } from './mayDecide';
import { readReviewers } from './people';
import { readDecisions, readRequest, type StoredRequest, toRequestRow } from './read';
import type { RequestDetail } from './shape';

/** One approval request with everything a reviewer weighs. */
export async function getRequest({ store, actor }: Call, input: unknown): Promise<RequestDetail> {
  demand(actor, 'approvals:own');
  const { id } = parseInput(idSchema, input);
  const request = await readRequest(store, id);
  if (request === undefined || !isOwn(actor, request)) throw notFound('request', id);
  return describeRequest(store, actor, request);
}

/** The detail of a request that the actor is known to see. */
export async function describeRequest(store: StoreHandle, actor: Actor, request: StoredRequest): Promise<RequestDetail> {
  const decisions = await readDecisions(store, [request.id]);
  const people = await readReviewers(store);
  const editors = request.status === 'pending' ? await readEditors(store, request) : [];
  const [grant] = await store.select({ id: approvalGrants.id }).from(approvalGrants).where(eq(approvalGrants.requestId, request.id));
  const [similar] = await store
    .select({
      approved: sql<number>`count(*) filter (where status in ('approved', 'executed'))::int`,
      rejected: sql<number>`count(*) filter (where status = 'rejected')::int`,
      executed: sql<number>`count(*) filter (where status = 'executed')::int`,
    })
    .from(approvalRequests)
    .where(
      and(
        ne(approvalRequests.id, request.id),
        eq(approvalRequests.sql, request.sql),
        eq(approvalRequests.connectionName, request.connectionName),
      ),
    );
  const [outcome] = await store
    .select({ status: statements.status, rows: statements.rows, sqlstate: statements.sqlstate, durationMs: statements.durationMs })
    .from(statements)
    .where(eq(statements.id, request.statementId));
  return {
    ...toRequestRow(request),
    statementId: request.statementId,
    sessionId: request.sessionId,
    parameters: request.parameters,
    tried: request.tried,
    reviewerGroups: request.reviewerGroups,
    endedAt: request.endedAt,
    measured: shownTo(actor, request.measured),
    mostRows: mostRows(request.measured, request.tolerance),
    tolerance: request.tolerance,
    heldTransaction: request.heldTransaction,
    decisions: decisions.map(({ id, reviewerName, decision, reason, scope, passkey, at }) => ({
      ...{ id, reviewerName, decision, reason, at },
      scope: scope ?? null,
      passkey: passkey ?? null,
    })),
    mayDecide: mayDecide({ request, decisions, editors, actor, people, now: new Date() }),
    passkey: request.passkey ? { own: await countPasskeys(store, actor.id), ...whereTaken() } : null,
    waits: request.waiting,
    grantable: request.shape === '' ? 'no' : request.shapeIsExact ? 'text' : 'shape',
    grantId: grant?.id ?? null,
    similar: similar ?? { approved: 0, rejected: 0, executed: 0 },
    outcome: outcome ?? null,
  };
}

/** Rows are for those who decide: whoever asked for the statement, or reads the record, has the figures. */
function shownTo(actor: Actor, measured: Measured | null): Measured | null {
  const deciders: readonly Role[] = PERMISSIONS['approvals:decide'];
  return measured?.kind === 'measured' && !deciders.includes(actor.role) ? { ...measured, samples: [] } : measured;
}
