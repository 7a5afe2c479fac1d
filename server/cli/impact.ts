import type { Measured } from '../../db/schema/shapes';
import type { RequestImpact } from '../approvals/shape';
import { table } from './table';

/** What a held statement would touch, for a terminal; a string says why that is not known. Empty for one that waits no more. */
export function impactText(impact: RequestImpact | string | null): string {
  if (impact === null) return '';
  if (typeof impact === 'string') return `impact      not known: ${impact}`;
  const { touched, estimate, noEstimate, transaction, against } = impact;
  const tables = touched.tables.map(({ name, read, written, setOff, columns }) => [
    name,
    [read ? 'read' : '', written ? 'written' : ''].filter(Boolean).join(', '),
    setOff
      ? 'set off'
      : columns
          .map((column) => `${column.name}${column.written ? ' (written)' : ''}${column.maskedBy === null ? '' : ' (masked)'}`)
          .join(', '),
  ]);
  return [
    table(['TABLE', 'ACCESS', 'COLUMNS'], tables),
    ...touched.triggers.map((trigger) => `trigger     ${trigger.function}() on ${trigger.events.join(', ')} of ${trigger.table}`),
    ...touched.cascades.map(({ from, to, action }) => `cascade     ${from} ${action} ${to}`),
    estimate === null
      ? `estimate    none: ${noEstimate ?? ''}`
      : `estimate    about ${Math.round(estimate.rows)} rows, cost ${Math.round(estimate.cost)} (EXPLAIN)`,
    ...(transaction === null || transaction.openMs === null
      ? []
      : [
          `session     transaction open ${Math.round(transaction.openMs / 1_000)} s, holds ${transaction.locks} locks, ${transaction.blocking} sessions wait for it (pg_stat_activity, pg_locks)`,
        ]),
    ...against.map((why) => `unmeasured  ${why}`),
  ]
    .filter((line) => line !== '')
    .join('\n');
}

/** What a dry run came to, for a terminal. */
export function measuredText(measured: Measured, mostRows: number | null): string {
  if (measured.kind !== 'measured') return [`measured    ${measured.kind}`, ...measured.why.map((why) => `            ${why}`)].join('\n');
  const rows = measured.tables.map(({ table: name, inserted, updated, deleted }) => [
    name,
    String(inserted),
    String(updated),
    String(deleted),
  ]);
  return [
    `measured    ${measured.rows} rows by a dry run that was rolled back (${measured.at}, ${measured.by})`,
    ...(mostRows === null ? [] : [`release     rolled back above ${mostRows} rows`]),
    table(['TABLE', 'INSERTED', 'UPDATED', 'DELETED'], rows),
    ...measured.notes,
  ]
    .filter((line) => line !== '')
    .join('\n');
}
