import { and, asc, eq, gt, isNotNull, lt, not, or, type SQL, sql } from 'drizzle-orm';
import { accessRequests } from '../../db/schema/accessRequests';
import { connections } from '../../db/schema/policy';
import { mayConnect } from '../../proxy/identity/signIn';
import { readTimedAccess } from '../../proxy/identity/timedAccess';
import { readAccess } from '../access/list';
import type { Actor, Call } from '../identity/actor';
import { demand, seesOnlyOwn } from '../identity/permission';
import { idSchema, parseInput } from '../input';
import { describeAccess, readAccessRequests, readOwnAccessRequest, toAccessRow } from './read';
import { type AccessRequestDetail, type AccessRequestRow, accessListSchema, type RequestableConnection } from './shape';

const isThere = isNotNull(accessRequests.connectionId);
const isOpen = and(isThere, eq(accessRequests.status, 'pending'), gt(accessRequests.expiresAt, sql`now()`));
const isActive = and(isThere, eq(accessRequests.status, 'approved'), gt(accessRequests.grantedUntil, sql`now()`));

const own = (actor: Actor): SQL | undefined =>
  seesOnlyOwn(actor) ? or(eq(accessRequests.principalId, actor.id ?? ''), eq(accessRequests.ownerId, actor.id ?? '')) : undefined;

/** Access requests, newest first; a member sees their own and their agents'. */
export async function listAccessRequests(
  { store, actor }: Call,
  input: unknown,
): Promise<{ items: AccessRequestRow[]; nextCursor: string | null }> {
  demand(actor, 'accessRequests:own');
  const { status, limit, cursor } = parseInput(accessListSchema, input ?? {});
  const neither = sql`not coalesce(${or(isOpen, isActive) ?? sql`false`}, false)`;
  const byStatus = { open: isOpen, active: isActive, ended: neither, all: undefined }[status];
  const after = cursor == null ? undefined : lt(accessRequests.id, cursor);
  const rows = await readAccessRequests(store, and(own(actor), byStatus, after), limit + 1);
  const page = rows.slice(0, limit);
  const now = new Date();
  return { items: page.map((row) => toAccessRow(row, now)), nextCursor: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
}

/** One access request with its decisions, and what the caller may do with it. */
export async function getAccessRequest({ store, actor }: Call, input: unknown): Promise<AccessRequestDetail> {
  demand(actor, 'accessRequests:own');
  const { id } = parseInput(idSchema, input);
  return describeAccess(store, actor, await readOwnAccessRequest(store, actor, id));
}

/** The connections that can be asked for. Their names are no secret among those who can sign in. */
export async function listRequestable({ store, actor }: Call): Promise<RequestableConnection[]> {
  demand(actor, 'accessRequests:own');
  const rows = await store
    .select({ id: connections.id, name: connections.name, requestable: connections.requestable })
    .from(connections)
    .where(and(isNotNull(connections.requestable), not(eq(connections.requestable, sql`'null'::jsonb`))))
    .orderBy(asc(connections.name));
  const grants = [...(await readAccess(store)), ...(await readTimedAccess(store))];
  const waiting = await readAccessRequests(store, and(isOpen, eq(accessRequests.principalId, actor.id ?? '')), 200);
  const now = new Date();
  return rows.flatMap(({ id, name, requestable }) =>
    requestable === null
      ? []
      : [
          {
            name,
            maxDurationMs: requestable.maxDurationMs,
            reviewerGroups: requestable.groups,
            required: requestable.count,
            has: mayConnect(grants, actor, name, now),
            pendingId: waiting.find((request) => request.connectionId === id)?.id ?? null,
          },
        ],
  );
}
