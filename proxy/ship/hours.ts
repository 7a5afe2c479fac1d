import type { Client } from 'pg';
import type { NewStatement, Outcome } from './batch';
import { storable } from './copyRows';
import { hourOf } from './days';

/** What a row says, and how many statements say it. */
interface Counted {
  hour: number;
  source: number;
  form: number;
  verdict: string;
  status: string;
  /** As they are stored: what is one there is one here. */
  sqlstate: string;
  rule: string;
  masked: boolean;
  statements: number;
  rows: number;
  bytes: number;
}

/** In place of a form: the sums over all forms. */
const EVERY_FORM = 0;

/** Something of what it gave out was masked. */
export const isMasked = (outcome: Pick<Outcome, 'maskedColumns' | 'detected'>): boolean =>
  (outcome.maskedColumns?.length ?? 0) > 0 || (outcome.detected?.some((one) => one.mode === 'enforce') ?? false);

/** One for each row that `statements` add to: those of forms, and those of all forms together. */
function sumsOf(statements: readonly NewStatement[]): Counted[] {
  const byForm = new Sums();
  for (const statement of statements) {
    const { form, source, outcome } = statement;
    const hour = hourOf(statement.atMs);
    const masked = isMasked(outcome);
    const sqlstate = storable(outcome.sqlstate ?? '');
    const rule = storable(statement.rule ?? '');
    const sum = byForm.of(form.rowId, source.rowId, hour, statement.verdict, outcome.status, sqlstate, rule, masked);
    sum.statements++;
    sum.rows += outcome.rows ?? 0;
    sum.bytes += outcome.bytes ?? 0;
  }
  const together = new Sums();
  for (const one of byForm.list) {
    const sum = together.of(EVERY_FORM, one.source, one.hour, one.verdict, one.status, one.sqlstate, one.rule, one.masked);
    sum.statements += one.statements;
    sum.rows += one.rows;
    sum.bytes += one.bytes;
  }
  return [...byForm.list, ...together.list];
}

class Sums {
  readonly list: Counted[] = [];
  /** By form, then source: of one pair there are a few. */
  readonly #pairs = new Map<number, Map<number, Counted[]>>();

  /** The sum of this row; a new one says 0. */
  of(
    form: number,
    source: number,
    hour: number,
    verdict: string,
    status: string,
    sqlstate: string,
    rule: string,
    masked: boolean,
  ): Counted {
    const ofForm = found(this.#pairs, form, () => new Map<number, Counted[]>());
    const ofPair = found(ofForm, source, (): Counted[] => []);
    for (const one of ofPair)
      if (
        one.hour === hour &&
        one.masked === masked &&
        one.verdict === verdict &&
        one.rule === rule &&
        one.status === status &&
        one.sqlstate === sqlstate
      )
        return one;
    const sum = { form, source, hour, verdict, status, sqlstate, rule, masked, statements: 0, rows: 0, bytes: 0 };
    ofPair.push(sum);
    this.list.push(sum);
    return sum;
  }
}

function found<T>(map: Map<number, T>, key: number, make: () => T): T {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** Adds statements to `statement_hours`; outcomes that come later move there by a trigger. */
export async function countHours(client: Client, statements: readonly NewStatement[]): Promise<void> {
  const sums = sumsOf(statements);
  if (sums.length === 0) return;
  await client.query({
    name: 'count hours',
    text: `insert into statement_hours as h (hour, source_id, form_id, verdict, status, sqlstate, rule, masked, statements, rows, bytes)
      select to_timestamp(hour / 1000.0), source, form, verdict, status, sqlstate, rule, masked, n, rows, bytes
      from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::bigint[],
        $10::bigint[], $11::bigint[]) as c(hour, source, form, verdict, status, sqlstate, rule, masked, n, rows, bytes)
      order by 1, 2, 3, 4, 5, 6, 7, 8
      on conflict (hour, source_id, form_id, verdict, status, sqlstate, rule, masked) do update
      set statements = h.statements + excluded.statements, rows = h.rows + excluded.rows, bytes = h.bytes + excluded.bytes`,
    values: [
      sums.map((sum) => sum.hour),
      sums.map((sum) => sum.source),
      sums.map((sum) => sum.form),
      sums.map((sum) => sum.verdict),
      sums.map((sum) => sum.status),
      sums.map((sum) => sum.sqlstate),
      sums.map((sum) => sum.rule),
      sums.map((sum) => sum.masked),
      sums.map((sum) => sum.statements),
      sums.map((sum) => sum.rows),
      sums.map((sum) => sum.bytes),
    ],
  });
}
