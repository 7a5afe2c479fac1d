import { and, desc, eq, gte, isNotNull, lt } from 'drizzle-orm';
import { sessions, statementForms, statements } from '../../db/schema/audit';
import type { StoreHandle } from '../../db/store';
import { timeOfId } from '../../proxy/ship/days';
import { readDecisions, readRequest } from '../approvals/read';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { isOwn } from '../identity/scope';
import { idSchema, parseInput } from '../input';
import { otherLog } from './otherLog';
import { addressOf, openStored, readStored, rowOf, type StoredStatement, transactionOutcome } from './rows';
import type { StatementDetail } from './shape';
import { createValueReader } from './values';

const DAY_MS = 86_400_000;
/** Between making an id and recording its statement. */
const SLACK_MS = 600_000;

/** A statement by its id. The id says when it was made, which leaves a partition or two to look in. */
export async function findStatement(store: StoreHandle, id: string): Promise<StoredStatement | undefined> {
  const madeMs = timeOfId(id);
  const near =
    madeMs === null ? undefined : and(gte(statements.at, new Date(madeMs - SLACK_MS)), lt(statements.at, new Date(madeMs + DAY_MS)));
  const [row] = near === undefined ? [] : await readStored(store, and(eq(statements.id, id), near));
  return row ?? (await readStored(store, eq(statements.id, id)))[0];
}

/** One recorded statement with its verdict's explanation and its approval trail. */
export async function getStatement(call: Call, input: unknown): Promise<StatementDetail> {
  const { store, actor } = call;
  demand(actor, 'audit:own');
  const { id } = parseInput(idSchema, input);
  const stored = await findStatement(store, id);
  if (stored === undefined || !isOwn(actor, stored.source)) throw notFound('statement', id);
  const [opened] = await openStored(store, createValueReader(call), [stored]);
  if (opened === undefined) throw notFound('statement', id);
  const { statement, source, form } = stored;
  const [session] = await store.select({ enforcement: sessions.enforcement }).from(sessions).where(eq(sessions.id, statement.sessionId));
  return {
    ...rowOf(stored, opened),
    rewritten: opened.rewritten,
    clientAddress: addressOf(stored),
    applicationName: source.applicationName,
    fingerprint: form.fingerprint,
    protocol: form.protocol,
    parameters: opened.parameters,
    relations: form.relations,
    effects: form.effects,
    unbounded: form.unbounded,
    detected: statement.detected ?? [],
    why: opened.why,
    tried: opened.tried,
    policyVersion: statement.policyVersion,
    bytes: statement.bytes,
    analysisMs: statement.analysisMs,
    waitMs: statement.waitMs,
    upstreamMs: statement.upstreamMs,
    maskingMs: statement.maskingMs,
    transactionStatus: statement.transactionStatus,
    transactionId: statement.transactionId,
    transactionOutcome: await transactionOutcome(store, statement.transactionId),
    runOf: statement.runOf,
    touchedColumns: form.columns,
    shape: form.shape,
    erased: opened.erased,
    node: source.node,
    logIndex: statement.logIndex,
    outcomeIndex: statement.outcomeIndex,
    elsewhere: statement.logIndex === null ? null : await otherLog(store, source.node),
    enforcement: session?.enforcement ?? null,
    approval: await approvalOf(store, stored),
  };
}

/** What was decided on the statement, or on the COMMIT of its transaction. */
async function approvalOf(store: StoreHandle, { statement }: StoredStatement): Promise<StatementDetail['approval']> {
  const requestId = statement.requestId ?? (await requestOfCommit(store, statement));
  const request = requestId === null ? undefined : await readRequest(store, requestId);
  if (request === undefined) return null;
  const decisions = await readDecisions(store, [request.id]);
  return {
    id: request.id,
    atCommit: statement.requestId === null,
    status: request.status,
    required: request.required,
    createdAt: request.createdAt,
    decidedAt: request.decidedAt,
    decisions: decisions.map(({ id, reviewerName, decision, reason, passkey, at }) => ({
      ...{ id, reviewerName, decision, reason, at },
      passkey: passkey ?? null,
    })),
  };
}

async function requestOfCommit(store: StoreHandle, { sessionId, transactionId }: StoredStatement['statement']): Promise<string | null> {
  if (transactionId === null) return null;
  const [commit] = await store
    .select({ requestId: statements.requestId })
    .from(statements)
    .innerJoin(statementForms, eq(statementForms.id, statements.formId))
    .where(
      and(
        eq(statements.sessionId, sessionId),
        eq(statements.transactionId, transactionId),
        isNotNull(statements.requestId),
        eq(statementForms.kind, 'COMMIT'),
      ),
    )
    .orderBy(desc(statements.at))
    .limit(1);
  return commit?.requestId ?? null;
}
