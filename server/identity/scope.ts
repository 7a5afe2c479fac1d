import { eq, or, type SQL } from 'drizzle-orm';
import { approvalRequests } from '../../db/schema/approvals';
import { sessions, statementSources } from '../../db/schema/audit';
import type { Actor } from './actor';
import { seesOnlyOwn } from './permission';

/** The where clause that leaves a member what is theirs or their agents'; undefined (everything) for every other role. */
export const ownRequests = (actor: Actor): SQL | undefined =>
  seesOnlyOwn(actor) ? or(eq(approvalRequests.principalId, actor.id ?? ''), eq(approvalRequests.ownerId, actor.id ?? '')) : undefined;

export const ownSessions = (actor: Actor): SQL | undefined =>
  seesOnlyOwn(actor) ? or(eq(sessions.principalId, actor.id ?? ''), eq(sessions.ownerName, actor.name)) : undefined;

/** Of statements' sources, by name, which a principal keeps for life. */
export const ownSources = (actor: Actor): SQL | undefined =>
  seesOnlyOwn(actor) ? or(eq(statementSources.principalName, actor.name), eq(statementSources.ownerName, actor.name)) : undefined;

/** The same rule for a row in hand: live events are read once and shown to many. */
export const isOwn = (actor: Actor, row: { principalName: string; ownerName: string | null }): boolean =>
  !seesOnlyOwn(actor) || row.principalName === actor.name || row.ownerName === actor.name;
