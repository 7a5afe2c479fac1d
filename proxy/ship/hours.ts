import type { Client } from 'pg';
import type { Form, NewStatement, Outcome, Source } from './batch';
import { storable } from './copyRows';
import { hourOf } from './days';
import type { Ids } from './dimensions';

interface Counted {
  hour: number;
  source: number;
  form: number;
  statement: NewStatement;
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

/** One for each row that `statements` add to. */
function sumsOf(statements: readonly NewStatement[], sourceOf: Ids<Source>, formOf: Ids<Form>): Counted[] {
  const sums: Counted[] = [];
  // By form, then source: of one pair there are a few.
  const counted = new Map<number, Map<number, Counted[]>>();
  for (const statement of statements) {
    const { outcome } = statement;
    const hour = hourOf(statement.atMs);
    const source = sourceOf(statement.source);
    const masked = isMasked(outcome);
    const sqlstate = storable(outcome.sqlstate ?? '');
    const rule = storable(statement.rule ?? '');
    for (const form of [formOf(statement.form), EVERY_FORM]) {
      const ofForm = counted.get(form) ?? new Map<number, Counted[]>();
      if (ofForm.size === 0) counted.set(form, ofForm);
      const ofPair = ofForm.get(source) ?? [];
      if (ofPair.length === 0) ofForm.set(source, ofPair);
      let sum = ofPair.find(
        (one) =>
          one.hour === hour &&
          one.masked === masked &&
          one.statement.verdict === statement.verdict &&
          one.rule === rule &&
          one.statement.outcome.status === outcome.status &&
          one.sqlstate === sqlstate,
      );
      if (sum === undefined) {
        sum = { hour, source, form, statement, sqlstate, rule, masked, statements: 0, rows: 0, bytes: 0 };
        ofPair.push(sum);
        sums.push(sum);
      }
      sum.statements++;
      sum.rows += outcome.rows ?? 0;
      sum.bytes += outcome.bytes ?? 0;
    }
  }
  return sums;
}

/** Adds statements to `statement_hours`; outcomes that come later move there by a trigger. */
export async function countHours(
  client: Client,
  statements: readonly NewStatement[],
  sourceOf: Ids<Source>,
  formOf: Ids<Form>,
): Promise<void> {
  const sums = sumsOf(statements, sourceOf, formOf);
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
      sums.map((sum) => sum.statement.verdict),
      sums.map((sum) => sum.statement.outcome.status),
      sums.map((sum) => sum.sqlstate),
      sums.map((sum) => sum.rule),
      sums.map((sum) => sum.masked),
      sums.map((sum) => sum.statements),
      sums.map((sum) => sum.rows),
      sums.map((sum) => sum.bytes),
    ],
  });
}
