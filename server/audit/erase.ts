import { and, eq, gte, isNull, lte, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { recordedResults, statements, statementValues } from '../../db/schema/audit';
import { erasures, valueKeys } from '../../db/schema/record';
import type { StoreTransaction } from '../../db/store';
import { notify, recordAction } from '../actions/record';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { type Erased, eraseSchema } from './eraseShape';
import { forgetValueKeys } from './values';

/**
 * Erases what a principal sent in a range of days, or one statement: texts, parameters, reasons, recorded results. Nobody can read them any
 * more when this returns, on other gateways within 5 s. Entries, hashes and every proof stay as they were, because values were never in them.
 */
export async function eraseValues({ store, actor }: Call, input: unknown): Promise<Erased> {
  demand(actor, 'audit:erase');
  const { principal, since, until, statement, reason } = parseInput(eraseSchema, input);
  const erased = await store.transaction(async (tx) => {
    const id = newId('era');
    // First, so that gateways that hear of it find what was erased.
    await tx.insert(erasures).values({
      id,
      principalName: principal ?? null,
      since: since ?? null,
      until: until ?? null,
      statementId: statement ?? null,
      reason,
    });
    const keys =
      statement === undefined ? await eraseKeys(tx, { principal: principal ?? '', since, until }) : await eraseStatement(tx, statement);
    await recordAction(tx, actor, {
      action: 'audit.erase',
      subject: statement ?? principal ?? '',
      after: { erasure: id, reason, since: since ?? null, until: until ?? null, keys },
    });
    await notify(tx, 'gatehouse_record', 'erasure');
    return { id, keys };
  });
  forgetValueKeys(store);
  return erased;
}

async function eraseKeys(
  tx: StoreTransaction,
  { principal, since, until }: { principal: string; since: string | undefined; until: string | undefined },
): Promise<number> {
  const erased = await tx
    .update(valueKeys)
    .set({ keySealed: null, erasedAt: sql`now()` })
    .where(
      and(
        eq(valueKeys.principalName, principal),
        isNull(valueKeys.erasedAt),
        since === undefined ? undefined : gte(valueKeys.day, since),
        until === undefined ? undefined : lte(valueKeys.day, until),
      ),
    )
    .returning({ id: valueKeys.id });
  if (erased.length === 0) throw notFound('recorded value', `of ${principal} in these days`);
  return erased.length;
}

/** An empty box says that there was one. */
async function eraseStatement(tx: StoreTransaction, id: string): Promise<number> {
  const [found] = await tx.select({ id: statements.id }).from(statements).where(eq(statements.id, id));
  if (found === undefined) throw notFound('statement', id);
  const empty = { box: Buffer.alloc(0) };
  await tx.update(statementValues).set(empty).where(eq(statementValues.id, id));
  await tx.update(recordedResults).set(empty).where(eq(recordedResults.statementId, id));
  await tx.update(statements).set({ words: null }).where(eq(statements.id, id));
  return 0;
}
