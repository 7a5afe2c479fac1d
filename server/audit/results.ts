import { and, asc, eq, gte } from 'drizzle-orm';
import { recordedResults } from '../../db/schema/audit';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { type RecordedResult, resultsSchema } from './integrity';
import { ownStatement } from './own';
import { createValueReader } from './values';

/** What a client was shown; null where its connection records no results, the statement had none, or it has been erased. */
export async function statementResults(call: Call, input: unknown): Promise<RecordedResult | null> {
  demand(call.actor, 'audit:own');
  const { statementId } = parseInput(resultsSchema, input);
  const { statement } = await ownStatement(call, statementId);
  const parts = await call.store
    .select()
    .from(recordedResults)
    // Rows leave after their statement began: the time leaves few partitions to look in.
    .where(and(eq(recordedResults.statementId, statementId), gte(recordedResults.at, statement.at)))
    .orderBy(asc(recordedResults.logIndex));
  const columns = parts.find((part) => part.columns !== null)?.columns ?? null;
  if (columns === null) return null;
  const values = createValueReader(call);
  const rows: RecordedResult['rows'] = [];
  for (const { keyId, box } of parts) {
    if (keyId === null || box === null) continue;
    const opened = await values.open({ keyId, box });
    if (opened === null) return null;
    rows.push(...rowsOf(opened.rows ?? '[]'));
  }
  return { columns, rows, truncated: parts.some((part) => part.truncated) };
}

/** Only the recorder seals, and it sealed what the journal held: one cast, at the one place where the text becomes rows. */
const rowsOf = (json: string): RecordedResult['rows'] => JSON.parse(json) as RecordedResult['rows'];
