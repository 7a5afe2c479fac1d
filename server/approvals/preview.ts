import { maskedColumnsFor } from '../../proxy/masking/columns';
import { DRY_RUN_LIMITS, estimateOf, NotMeasured } from '../../proxy/preview/dryRun';
import { touchedBy } from '../../proxy/preview/effects';
import type { Estimate } from '../../proxy/preview/estimate';
import { reasonsAgainst } from '../../proxy/preview/lasting';
import { targetOf, withControl } from '../connections/control';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { isOwn } from '../identity/scope';
import { idSchema, parseInput } from '../input';
import { readRequest, type StoredRequest } from './read';
import type { RequestImpact } from './shape';
import { connectionOf, type PreviewSubject, readSubject } from './subject';

/**
 * What a held statement would touch, by grammar and catalog; what the planner expects; what its session's transaction holds; and whether it
 * can be measured. Opens a control connection; nothing of the statement runs. Null when it no longer waits.
 * @throws ServiceError UNAVAILABLE when the upstream cannot be reached
 */
export async function previewRequest(call: Call, input: unknown): Promise<RequestImpact | null> {
  demand(call.actor, 'approvals:own');
  const { id } = parseInput(idSchema, input);
  const request = await readRequest(call.store, id);
  if (request === undefined || !isOwn(call.actor, request)) throw notFound('request', id);
  if (request.status !== 'pending') return null;
  const known = await connectionOf(call, request);
  return withControl(targetOf(known.connection, call.secretKey), async (client) => {
    const subject = await readSubject(call, request, { ...known, client });
    const { candidate, catalog } = subject;
    const masks = maskedColumnsFor({ masking: known.policy.masking, connection: known.connection, principal: { groups: [] }, catalog });
    // A COMMIT has run what it makes stand: what that changed is counted, and there is nothing to plan or to try.
    const ran = request.heldTransaction !== null;
    const against = ran ? [] : reasonsNotToMeasure(subject, request);
    const { estimate, noEstimate } = ran ? ALREADY_RAN : await estimated(subject, against, client);
    return {
      touched: touchedBy(candidate.statements, { catalog, searchPath: candidate.searchPath, masks }),
      estimate,
      noEstimate,
      transaction: subject.transaction,
      against,
    };
  });
}

const ALREADY_RAN = { estimate: null, noEstimate: 'its statements have run already' };

/** Everything that speaks against a dry run; empty when it can be made. Pure. */
export function reasonsNotToMeasure(subject: PreviewSubject, { transactionStatus }: Pick<StoredRequest, 'transactionStatus'>): string[] {
  const { candidate, behind, transaction, temporary, forward } = subject;
  return [
    ...reasonsAgainst(candidate, behind),
    ...(forward === null ? ['as policy and catalog are now it would be denied'] : []),
    ...(transactionStatus !== 'I' && transaction === null ? ['what its own transaction has done cannot be seen'] : []),
    ...(transaction?.changed === true
      ? ['its transaction has changes that nobody else sees yet, and what it does may depend on them']
      : []),
    ...temporary.map((name) => `some session has a temporary table called ${name}, which it may mean`),
  ];
}

async function estimated(
  { candidate, forward }: PreviewSubject,
  against: readonly string[],
  client: Parameters<typeof estimateOf>[0],
): Promise<{ estimate: Estimate | null; noEstimate: string | null }> {
  const none = (noEstimate: string) => ({ estimate: null, noEstimate });
  const [statement, ...others] = candidate.statements;
  if (forward === null || candidate.state === null) return none('its text or its session is not known well enough to ask the planner');
  if (statement === undefined || others.length > 0) return none('only one statement alone is estimated');
  // The planner itself runs functions that say they are immutable.
  if (against.some((why) => why.startsWith('its effects cannot be known')))
    return none('planning it may already run code that cannot be followed');
  try {
    const estimate = await estimateOf(client, {
      sql: forward,
      parameters: candidate.parameters,
      state: candidate.state,
      limits: DRY_RUN_LIMITS,
    });
    return estimate === null ? none('the planner gives no figure for it') : { estimate, noEstimate: null };
  } catch (error) {
    return none(error instanceof NotMeasured ? error.why.join('; ') : 'the planner could not be asked');
  }
}
