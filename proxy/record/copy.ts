import { eq, sql } from 'drizzle-orm';
import { journalPositions } from '../../db/schema/audit';
import type { Store } from '../../db/store';
import type { OutcomeEntry, StatementEntry } from '../journal/entries';
import { writeOutcomes, writeStatements } from '../journal/ship';
import type { LogReader, LogRecord } from './leaf';
import { readOver } from './principals';
import type { ValueOpener } from './valueKeys';

/** Copies the log into the store; the number of entries. */
export async function copyLog(store: Store, log: LogReader, node: string, values: ValueOpener): Promise<number> {
  const journal = `log:${node}`;
  const [row] = await store.select().from(journalPositions).where(eq(journalPositions.journal, journal));
  const from = Math.max(row?.offset ?? 0, log.first);
  if (from >= log.size) return 0;
  const { found, next } = readOver(log, from, 2_000);
  const statements: StatementEntry[] = [];
  const outcomes: OutcomeEntry[] = [];
  for (const record of found) {
    if (record.leaf.entry.type === 'statement') statements.push((await opened(record, values)) as unknown as StatementEntry);
    if (record.leaf.entry.type === 'outcome') outcomes.push(record.leaf.entry as unknown as OutcomeEntry);
  }
  await store.transaction(async (tx) => {
    await writeStatements(tx, statements);
    await writeOutcomes(tx, outcomes);
    await tx
      .insert(journalPositions)
      .values({ journal, segment: 0, offset: next })
      .onConflictDoUpdate({ target: journalPositions.journal, set: { offset: next } });
    await tx.execute(sql`select pg_notify('gatehouse_statements', ${String(found.length)})`);
  });
  return next - from;
}

async function opened({ leaf, sealed }: LogRecord, values: ValueOpener): Promise<Record<string, unknown>> {
  const found = (sealed === null ? null : await values.open(sealed)) ?? {};
  const given = Object.entries(found).map(([name, [, value]]) => [
    name,
    ['parameters', 'tried'].includes(name) ? JSON.parse(value) : value,
  ]);
  return { sql: '(erased)', parameters: [], tried: [], why: '', ...leaf.entry, ...Object.fromEntries(given) };
}
