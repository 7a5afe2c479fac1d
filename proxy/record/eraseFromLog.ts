import { and, asc, eq, gte, isNotNull, lte, notExists, sql } from 'drizzle-orm';
import { erasureNodes, erasures, valueKeys } from '../../db/schema/record';
import type { Store } from '../../db/store';
import type { AppendLog } from './appendLog';
import type { LogRecord } from './leaf';
import { readOver } from './readOver';

const STEP_ENTRIES = 500;
const STORE_ROWS = 5_000;
const breathe = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * Takes the values of one erasure out of this gateway's files, and says in the store that it has. With their keys deleted nobody can open
 * them any more; this removes the rest, and the words they are found by.
 * @returns false when there was nothing to do @throws Error when store or disk do not answer: it is done again
 */
export async function eraseFromLog(options: { store: Store; log: AppendLog; node: string; stopped(): boolean }): Promise<boolean> {
  const { store, log, node } = options;
  const [erasure] = await store
    .select()
    .from(erasures)
    .where(
      notExists(
        store
          .select()
          .from(erasureNodes)
          .where(and(eq(erasureNodes.erasureId, erasures.id), eq(erasureNodes.node, node))),
      ),
    )
    .orderBy(asc(erasures.id))
    .limit(1);
  if (erasure === undefined) return false;
  const concerns = await concernedBy(store, erasure);
  let entries = 0;
  for (let next = log.first; next < log.size; ) {
    if (options.stopped()) return false;
    const step = readOver(log, next, STEP_ENTRIES);
    for (const record of step.found) if (record.sealed !== null && concerns(record) && log.eraseValues(record.index)) entries++;
    next = step.next;
    await breathe();
  }
  await eraseFromStore(store, erasure);
  await store.insert(erasureNodes).values({ erasureId: erasure.id, node, entries }).onConflictDoNothing();
  return true;
}

/** What is left in the store's index: the words that values were found by, and the texts of statements that were held. */
async function eraseFromStore(store: Store, { statementId, principalName, since, until, at }: typeof erasures.$inferSelect): Promise<void> {
  const from = since ?? '-infinity';
  const before = sql`least(${at.toISOString()}::timestamptz, coalesce(${until}::date + 1, 'infinity'::date)::timestamp at time zone 'UTC')`;
  const ofWhom =
    statementId === null
      ? sql`source_id in (select id from statement_sources where principal_name = ${principalName}) and at >= ${from}::timestamp at time zone 'UTC' and at <= ${before}`
      : sql`id = ${statementId}`;
  for (let count = STORE_ROWS; count === STORE_ROWS; ) {
    const done = await store.execute(sql`
      update statements set words = null
      where (id, at) in (select id, at from statements where words is not null and ${ofWhom} limit ${STORE_ROWS})`);
    count = done.rowCount ?? 0;
  }
  await store.execute(sql`
    update approval_requests set sql = '(erased)', parameters = '[]', why = '', tried = '[]', requester_reason = null, held_state = null, held_transaction = null
    where status not in ('pending', 'approved') and sql <> '(erased)' and ${
      statementId === null
        ? sql`principal_name = ${principalName} and created_at >= ${from}::timestamp at time zone 'UTC' and created_at <= ${before}`
        : sql`statement_id = ${statementId}`
    }`);
}

async function concernedBy(store: Store, erasure: typeof erasures.$inferSelect): Promise<(record: LogRecord) => boolean> {
  const { statementId, principalName, since, until } = erasure;
  if (statementId !== null) return ({ leaf }) => leaf.entry.id === statementId;
  const rows = await store
    .select({ id: valueKeys.id })
    .from(valueKeys)
    .where(
      and(
        eq(valueKeys.principalName, principalName ?? ''),
        isNotNull(valueKeys.erasedAt),
        since === null ? undefined : gte(valueKeys.day, since),
        until === null ? undefined : lte(valueKeys.day, until),
      ),
    );
  const keys = new Set(rows.map(({ id }) => id));
  return ({ sealed }) => sealed !== null && keys.has(sealed.keyId);
}
