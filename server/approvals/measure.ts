import { and, eq, sql } from 'drizzle-orm';
import { approvalRequests } from '../../db/schema/approvals';
import type { Measured } from '../../db/schema/shapes';
import { maskHashKey } from '../../proxy/masking/hashKey';
import { DRY_RUN_LIMITS, dryRun, NotMeasured } from '../../proxy/preview/dryRun';
import { reviewerMasks, shapeSample } from '../../proxy/preview/samples';
import { notify, recordAction } from '../actions/record';
import { targetOf, withControl } from '../connections/control';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { isOwn } from '../identity/scope';
import { idSchema, parseInput } from '../input';
import { readEditors } from './editors';
import { describeRequest } from './get';
import { mayDecide } from './mayDecide';
import { readReviewers } from './people';
import { reasonsNotToMeasure } from './preview';
import { readDecisions, readRequest, type StoredRequest } from './read';
import type { RequestDetail } from './shape';
import { connectionOf, readSubject } from './subject';

/** Between two dry runs of one connection that this process makes. */
const PAUSE_MS = 1_000;
const lastAtMs = new Map<string, number>();

/**
 * Measures a held statement by a dry run, for somebody who may decide it: it runs on a side connection and is always rolled back. Recorded
 * before it runs and with what it came to; the request keeps the figures, and a release goes no further than they and the rule's tolerance.
 * @throws ServiceError FORBIDDEN, CONFLICT (it no longer waits, or one was made a moment ago), UNAVAILABLE
 */
export async function measureRequest(call: Call, input: unknown): Promise<RequestDetail> {
  demand(call.actor, 'approvals:own');
  const { id } = parseInput(idSchema, input);
  const request = await readRequest(call.store, id);
  if (request === undefined || !isOwn(call.actor, request)) throw notFound('request', id);
  const may = mayDecide({
    request,
    decisions: await readDecisions(call.store, [id]),
    editors: await readEditors(call.store, request),
    actor: call.actor,
    people: await readReviewers(call.store),
    now: new Date(),
  });
  if (!may.allowed) throw new ServiceError(request.status === 'pending' ? 'FORBIDDEN' : 'CONFLICT', may.why);
  await measure(call, request);
  return describeRequest(call.store, call.actor, (await readRequest(call.store, id)) ?? request);
}

/** The dry run itself, by whoever may ask for it: a reviewer, or the gateway because the rule says so. */
export async function measure(call: Call, request: StoredRequest): Promise<Measured> {
  const { store, actor } = call;
  const at = new Date();
  if (at.getTime() - (lastAtMs.get(request.connectionName) ?? 0) < PAUSE_MS)
    throw new ServiceError('CONFLICT', `a dry run on ${request.connectionName} began less than a second ago; try again`);
  lastAtMs.set(request.connectionName, at.getTime());
  await store.transaction((tx) =>
    recordAction(tx, actor, {
      action: 'request.measure',
      subject: request.id,
      after: { statementId: request.statementId, sql: request.sql },
    }),
  );
  const by = { at: at.toISOString(), by: actor.name };
  const measured: Measured = { ...by, ...(await attempt(call, request)) };
  await store.transaction(async (tx) => {
    await tx
      .update(approvalRequests)
      .set({ measured })
      .where(
        and(
          eq(approvalRequests.id, request.id),
          eq(approvalRequests.status, 'pending'),
          // Figures that were there go on to bind the release when a later attempt gives none.
          measured.kind === 'measured' ? undefined : sql`coalesce(${approvalRequests.measured} ->> 'kind', '') <> 'measured'`,
        ),
      );
    await recordAction(tx, actor, { action: 'request.measured', subject: request.id, after: outcomeOf(measured) });
    await notify(tx, 'gatehouse_approvals', request.id);
  });
  return measured;
}

/** What the record keeps: no rows, which belong to the request. */
function outcomeOf(measured: Measured): unknown {
  if (measured.kind !== 'measured') return { outcome: measured.kind, why: measured.why };
  return { outcome: 'measured, and rolled back', rows: measured.rows, tables: measured.tables, durationMs: measured.durationMs };
}

type Attempt = { kind: 'refused' | 'failed'; why: string[] } | Omit<Extract<Measured, { kind: 'measured' }>, 'at' | 'by'>;

async function attempt(call: Call, request: StoredRequest): Promise<Attempt> {
  if (request.heldTransaction !== null)
    return { kind: 'refused', why: ['what waits is a COMMIT: its transaction has run, and its figures are exact'] };
  const known = await connectionOf(call, request);
  const endpoint = targetOf(known.connection, call.secretKey);
  return withControl(endpoint, (side) =>
    withControl(endpoint, async (observer): Promise<Attempt> => {
      try {
        const subject = await readSubject(call, request, { ...known, client: side });
        const { catalog, candidate, forward } = subject;
        const against = reasonsNotToMeasure(subject, request);
        if (against.length > 0 || forward === null || candidate.state === null) return { kind: 'refused', why: against };
        const trial = await dryRun(side, observer, {
          sql: forward,
          parameters: candidate.parameters,
          state: candidate.state,
          limits: DRY_RUN_LIMITS,
          columnsOf: (oid) => catalog.relations.get(oid)?.columns ?? [],
        });
        const maskOf = reviewerMasks({ ...known, masking: known.policy.masking, catalog, hashKey: maskHashKey(call.secretKey) });
        return {
          kind: 'measured',
          durationMs: trial.durationMs,
          rows: trial.rows,
          tables: trial.tables.map(({ table, inserted, updated, deleted }) => ({ table, inserted, updated, deleted })),
          triggers: trial.triggers,
          samples: trial.samples.map((raw) => shapeSample(raw, maskOf, DRY_RUN_LIMITS.sampleRows)),
          notes: [...trial.notes, ...(request.transactionStatus === 'I' ? [] : ['Measured outside the client’s open transaction.'])],
        };
      } catch (error) {
        if (error instanceof NotMeasured) return { kind: error.kind, why: [...error.why] };
        return { kind: 'failed', why: ['the upstream ended the dry run; nothing of it stands'] };
      }
    }),
  );
}
