import { and, desc, eq, gte } from 'drizzle-orm';
import { statements, statementValues } from '../../db/schema/audit';
import type { StoreHandle } from '../../db/store';
import { coarseOfHours, coarseOfStatements, countedHours, inRange, type Range } from './hours';
import type { Resolved } from './resolve';
import { openBox } from './rows';
import type { ValueReader } from './values';

/** Statements whose values are opened and looked through for a text, the newest that the other words leave. */
const LOOKED_THROUGH = 1_000;

/**
 * Ids of statements whose text holds every text that is looked for, wherever in it. What was sent is sealed, so that only whole words of it
 * can be found in the whole record; in the newest statements any part of it is.
 */
export async function withinValues(store: StoreHandle, values: ValueReader, resolved: Resolved, range: Range): Promise<string[]> {
  const { texts } = resolved;
  if (texts.length === 0) return [];
  const wanted = texts.map(({ text }) => text.toLowerCase());
  const newest = store
    .select({ id: statements.id, at: statements.at, brokeGlass: statements.brokeGlass })
    .from(statements)
    .where(and(coarseOfStatements(resolved), ...resolved.exact, inRange(range), await since(store, resolved, range)))
    .orderBy(desc(statements.at), desc(statements.id))
    .limit(LOOKED_THROUGH)
    .as('newest');
  const rows = await store
    .select({ id: newest.id, keyId: statementValues.keyId, box: statementValues.box, brokeGlass: newest.brokeGlass })
    .from(newest)
    .innerJoin(statementValues, and(eq(statementValues.id, newest.id), eq(statementValues.at, newest.at)));
  const found: string[] = [];
  for (const row of rows) {
    const { sql } = await openBox(values, row, row.brokeGlass);
    const text = sql.toLowerCase();
    if (wanted.every((part) => text.includes(part))) found.push(row.id);
  }
  return found;
}

/** The hours say from when on there are as many as are looked through. */
async function since(store: StoreHandle, resolved: Resolved, range: Range) {
  if (resolved.sources === null && resolved.forms === null) return undefined;
  const { hours, complete } = await countedHours(store, coarseOfHours(resolved), range);
  let sum = 0;
  for (const { hour, statements: count } of hours) {
    sum += count;
    if (sum >= LOOKED_THROUGH) return gte(statements.at, hour);
  }
  const oldest = hours.at(-1);
  return complete && oldest !== undefined ? gte(statements.at, oldest.hour) : undefined;
}
