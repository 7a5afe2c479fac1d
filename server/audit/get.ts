import { eq } from 'drizzle-orm';
import { sessions, statements } from '../../db/schema/audit';
import { readDecisions, readRequest } from '../approvals/read';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { isOwn } from '../identity/scope';
import { idSchema, parseInput } from '../input';
import type { StatementDetail } from './shape';

/** One recorded statement with its verdict's explanation and its approval trail. */
export async function getStatement({ store, actor }: Call, input: unknown): Promise<StatementDetail> {
  demand(actor, 'audit:own');
  const { id } = parseInput(idSchema, input);
  const [row] = await store.select().from(statements).where(eq(statements.id, id));
  if (row === undefined || !isOwn(actor, row)) throw notFound('statement', id);
  const request = row.requestId === null ? undefined : await readRequest(store, row.requestId);
  const [session] = await store.select({ enforcement: sessions.enforcement }).from(sessions).where(eq(sessions.id, row.sessionId));
  const enforcement = session?.enforcement ?? null;
  if (request === undefined) return { ...row, enforcement, approval: null };
  const decisions = await readDecisions(store, [request.id]);
  return {
    ...row,
    enforcement,
    approval: {
      id: request.id,
      status: request.status,
      required: request.required,
      createdAt: request.createdAt,
      decidedAt: request.decidedAt,
      decisions: decisions.map(({ id: decisionId, reviewerName, decision, reason, at }) => ({
        id: decisionId,
        reviewerName,
        decision,
        reason,
        at,
      })),
    },
  };
}
