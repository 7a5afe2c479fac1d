import type { Client } from 'pg';
import type { NewStatement, Outcome } from './batch';
import { storable } from './copyRows';
import { hourOf } from './days';

interface Counted {
  hour: number;
  source: number;
  form: number;
  statement: NewStatement;
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

/** Adds statements to `statement_hours`; outcomes that come later move there by a trigger. */
export async function countHours(
  client: Client,
  statements: readonly NewStatement[],
  sourceIds: readonly number[],
  formIds: readonly number[],
): Promise<void> {
  const counted = new Map<string, Counted>();
  for (const [index, statement] of statements.entries()) {
    const { outcome } = statement;
    const hour = hourOf(statement.atMs);
    const source = sourceIds[index] ?? 0;
    const form = formIds[index] ?? 0;
    const masked = isMasked(outcome);
    for (const of of [form, EVERY_FORM]) {
      const key = `${hour} ${source} ${of} ${statement.verdict} ${outcome.status} ${masked} ${outcome.sqlstate} ${statement.rule}`;
      const sum = counted.get(key);
      if (sum === undefined) {
        counted.set(key, { hour, source, form: of, statement, masked, statements: 1, rows: outcome.rows ?? 0, bytes: outcome.bytes ?? 0 });
      } else {
        sum.statements++;
        sum.rows += outcome.rows ?? 0;
        sum.bytes += outcome.bytes ?? 0;
      }
    }
  }
  const sums = [...counted.values()];
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
      sums.map((sum) => storable(sum.statement.outcome.sqlstate ?? '')),
      sums.map((sum) => storable(sum.statement.rule ?? '')),
      sums.map((sum) => sum.masked),
      sums.map((sum) => sum.statements),
      sums.map((sum) => sum.rows),
      sums.map((sum) => sum.bytes),
    ],
  });
}
