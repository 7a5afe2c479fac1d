import { and, gte, lt, sql } from 'drizzle-orm';
import { statements } from '../../db/schema/audit';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { ownStatements } from '../identity/scope';
import { parseInput } from '../input';
import { statementColumns } from './columns';
import { parseAuditQuery } from './query';
import { type AuditPage, auditSearchSchema } from './shape';
import { afterCursor, cursorOf, orderOf } from './sort';
import { whereOf } from './where';

/** Counting stops here: an exact count of a million rows is worth nobody's wait. */
const COUNT_CAP = 1_000;

/** Searches the record, newest first unless told otherwise, by keyset. Words that are not understood come back as diagnostics beside what the others found. */
export async function searchStatements({ store, actor }: Call, input: unknown): Promise<AuditPage> {
  demand(actor, 'audit:own');
  const { q, from, to, sort, limit, cursor, counted } = parseInput(auditSearchSchema, input ?? {});
  const { terms, diagnostics } = parseAuditQuery(q);
  const where = and(
    ownStatements(actor),
    whereOf(terms),
    from == null ? undefined : gte(statements.at, from),
    to == null ? undefined : lt(statements.at, to),
  );
  const rows = await store
    .select(statementColumns)
    .from(statements)
    .where(and(where, cursor == null ? undefined : afterCursor(sort, cursor)))
    .orderBy(...orderOf(sort))
    .limit(limit + 1);
  const capped = store
    .select({ one: sql`1` })
    .from(statements)
    .where(where)
    .limit(COUNT_CAP + 1)
    .as('capped');
  const [count] = !counted ? [] : await store.select({ value: sql<number>`count(*)::int` }).from(capped);
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return {
    items,
    nextCursor: last === undefined ? null : cursorOf(sort, last),
    count: { value: Math.min(count?.value ?? 0, COUNT_CAP), capped: (count?.value ?? 0) > COUNT_CAP },
    diagnostics,
  };
}
