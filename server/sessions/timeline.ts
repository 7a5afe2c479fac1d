import { and, asc, desc, type SQLWrapper, sql } from 'drizzle-orm';
import { statements } from '../../db/schema/audit';
import type { StoreHandle } from '../../db/store';
import { readRows } from '../audit/rows';
import { createValueReader } from '../audit/values';
import type { Call } from '../identity/actor';
import { idSchema, parseInput } from '../input';
import { ownSession, type SessionSpan, statementsOf } from './own';
import type { SessionTimeline, TimelineBin } from './shape';

/** A strip that shows more than these one by one shows none of them. */
const MOST_SINGLE = 500;
/** Parts of a session's time, of equal length. */
const BINS = 600;

/** Statements that are counted while somebody waits: of a longer session, its first ones. */
const MOST_COUNTED = 1_000_000;

/** What a session did when: its statements, or where they are many their counts over its time. */
export async function sessionTimeline(call: Call, input: unknown): Promise<SessionTimeline> {
  const { store } = call;
  const { id } = parseInput(idSchema, input);
  const session = await ownSession(call, id);
  const inOrder = (order: typeof asc, limit: number) =>
    store
      .select({ id: statements.id, at: statements.at })
      .from(statements)
      .where(statementsOf(session))
      .orderBy(order(statements.at), order(statements.id))
      .limit(limit);
  const keys = await inOrder(asc, MOST_SINGLE + 1);
  const [first] = keys;
  if (first === undefined || keys.length <= MOST_SINGLE)
    return { statements: await readRows(store, createValueReader(call), keys), bins: null };
  const [last = first] = await inOrder(desc, 1);
  return { statements: null, bins: await countBins(store, session, first.at, last.at) };
}

/** Counted in two indexes alone, without a look at a statement: one has them all, the other those that stand out. */
async function countBins(store: StoreHandle, session: SessionSpan, from: Date, to: Date): Promise<TimelineBin[]> {
  const widthMs = Math.floor((to.getTime() - from.getTime()) / BINS) + 1;
  const { at, verdict, status } = statements;
  const all = store.select({ at }).from(statements).where(statementsOf(session)).orderBy(asc(at)).limit(MOST_COUNTED).as('counted');
  const marked = store
    .select({ at, verdict, status })
    .from(statements)
    .where(and(statementsOf(session), sql`(${verdict} <> 'allow' or ${status} = 'failed')`))
    .orderBy(asc(at))
    .limit(MOST_COUNTED)
    .as('marked');
  const binOf = (column: SQLWrapper) =>
    sql`date_bin(${`${widthMs} milliseconds`}::interval, ${column}, ${from.toISOString()}::timestamptz)`;
  const { rows } = await store.execute<Counted>(sql`
    select a.bin, a.from_at, a.to_at, a.count, coalesce(m.hold, 0) as hold, coalesce(m.deny, 0) as deny, coalesce(m.failed, 0) as failed
    from (select ${binOf(all.at)} as bin, min(at) as from_at, max(at) as to_at, count(*)::int as count from ${all} group by 1) a
    left join (
      select ${binOf(marked.at)} as bin, (count(*) filter (where verdict = 'hold'))::int as hold,
        (count(*) filter (where verdict = 'deny'))::int as deny, (count(*) filter (where verdict = 'allow'))::int as failed
      from ${marked} group by 1
    ) m on m.bin = a.bin
    order by a.bin`);
  return rows.map(({ from_at, to_at, count, hold, deny, failed }) => ({
    from: new Date(from_at),
    to: new Date(to_at),
    allow: Math.max(0, count - hold - deny - failed),
    hold,
    deny,
    failed,
  }));
}

interface Counted extends Record<string, unknown> {
  from_at: string;
  to_at: string;
  count: number;
  hold: number;
  deny: number;
  failed: number;
}
