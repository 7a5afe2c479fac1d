import { and, desc, eq, gt, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { queueEvent } from '../../db/notifications/queue';
import { approvalGrants } from '../../db/schema/approvals';
import { sessions } from '../../db/schema/audit';
import { policyState } from '../../db/schema/policy';
import { recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand, seesOnlyOwn } from '../identity/permission';
import { cursorSchema, idSchema, parseInput } from '../input';

/** active: covers statements now. Everything else covers nothing any more. */
export type GrantState = 'active' | 'revoked' | 'expired' | 'sessionEnded' | 'policyChanged';

export interface GrantRow {
  id: string;
  requestId: string;
  state: GrantState;
  principalName: string;
  ownerName: string | null;
  connectionName: string;
  rule: string;
  /** The statement that was approved. */
  sql: string;
  /** It covers that text with its parameters alone; otherwise also other values in place of its data. */
  shapeIsExact: boolean;
  /** The only session it holds in; null for any of the principal's. */
  sessionId: string | null;
  expiresAt: Date | null;
  reviewers: string[];
  uses: number;
  lastUsedAt: Date | null;
  createdAt: Date;
  revokedAt: Date | null;
  revokedBy: string | null;
}

export const grantsListSchema = z.object({
  status: z.enum(['active', 'all']).default('active'),
  limit: z.int().min(1).max(200).default(50),
  cursor: cursorSchema,
});

const state = sql<GrantState>`case
  when ${approvalGrants.revokedAt} is not null then 'revoked'
  when ${approvalGrants.expiresAt} <= clock_timestamp() then 'expired'
  when ${sessions.endedAt} is not null then 'sessionEnded'
  when ${approvalGrants.policyVersion} <> ${policyState.version} then 'policyChanged'
  else 'active' end`;

/** Grants, newest first; a member sees their own and their agents'. */
export async function listGrants({ store, actor }: Call, input: unknown): Promise<{ items: GrantRow[]; nextCursor: string | null }> {
  demand(actor, 'approvals:own');
  const { status, limit, cursor } = parseInput(grantsListSchema, input ?? {});
  const own: SQL | undefined = seesOnlyOwn(actor)
    ? or(eq(approvalGrants.principalId, actor.id ?? ''), eq(approvalGrants.ownerId, actor.id ?? ''))
    : undefined;
  const active =
    status === 'all'
      ? undefined
      : and(
          isNull(approvalGrants.revokedAt),
          or(isNull(approvalGrants.expiresAt), gt(approvalGrants.expiresAt, sql`clock_timestamp()`)),
          isNull(sessions.endedAt),
          eq(approvalGrants.policyVersion, policyState.version),
        );
  const rows = await store
    .select({ grant: approvalGrants, state })
    .from(approvalGrants)
    .innerJoin(policyState, eq(policyState.id, 1))
    .leftJoin(sessions, eq(sessions.id, approvalGrants.sessionId))
    .where(and(own, active, cursor == null ? undefined : lt(approvalGrants.id, cursor)))
    .orderBy(desc(approvalGrants.id))
    .limit(limit + 1);
  const items = rows.slice(0, limit).map(({ grant, state: now }): GrantRow => {
    const { principalId: _p, ownerId: _o, policyVersion: _v, shape: _s, ...shown } = grant;
    return { ...shown, state: now };
  });
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}

/** Takes a grant back; from then on it releases nothing. What it released before is not undone. Throws CONFLICT when it was taken back before. */
export async function revokeGrant({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'approvals:decide');
  const { id } = parseInput(idSchema, input);
  return store.transaction(async (tx) => {
    const [grant] = await tx.select().from(approvalGrants).where(eq(approvalGrants.id, id)).for('update');
    if (grant === undefined) throw notFound('grant', id);
    if (grant.revokedAt !== null) throw new ServiceError('CONFLICT', `already revoked by ${grant.revokedBy ?? 'somebody'}`);
    await tx.update(approvalGrants).set({ revokedAt: sql`clock_timestamp()`, revokedBy: actor.name }).where(eq(approvalGrants.id, id));
    await recordAction(tx, actor, {
      action: 'grant.revoke',
      subject: id,
      before: { principal: grant.principalName, connection: grant.connectionName, rule: grant.rule, uses: grant.uses },
    });
    await queueEvent(tx, {
      kind: 'grant.revoked',
      subject: id,
      connection: grant.connectionName,
      facts: { principal: grant.principalName, owner: grant.ownerName, by: actor.name, rule: grant.rule, requestId: grant.requestId },
    });
    return { id };
  });
}
