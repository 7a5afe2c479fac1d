import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { type RecordedResult, resultsSchema } from './integrity';
import { ownStatement } from './own';

/** What a client was shown; null where its connection records no results, or the statement had none. */
export async function statementResults(call: Call, input: unknown): Promise<RecordedResult | null> {
  demand(call.actor, 'audit:own');
  const { statementId } = parseInput(resultsSchema, input);
  await ownStatement(call, statementId);
  return null;
}
