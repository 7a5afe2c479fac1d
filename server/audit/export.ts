import { z } from 'zod';
import { reviewerText } from '../../proxy/ship/read';
import { recordAction } from '../actions/record';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { csvRecord } from './csv';
import { parseAuditQuery } from './query';
import { searchStatements } from './search';
import { AUDIT_SORTS, type StatementRow } from './shape';

export const EXPORT_FORMATS = ['csv', 'jsonl'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

const instant = z.iso.datetime({ offset: true }).nullish();

export const exportSchema = z.object({
  format: z.enum(EXPORT_FORMATS),
  q: z.string().max(2_000).default(''),
  from: instant,
  to: instant,
  sort: z.enum(AUDIT_SORTS).default('newest'),
});

/** In this order in every CSV; JSON Lines have every field of a row. */
const COLUMNS = [
  'id',
  'at',
  'principalName',
  'ownerName',
  'connectionName',
  'sessionId',
  'kind',
  'sql',
  'verdict',
  'rule',
  'status',
  'rows',
  'maskedColumns',
  'durationMs',
  'sqlstate',
  'requestId',
  'grantId',
  'breakGlass',
  'reviewers',
] as const satisfies readonly (keyof StatementRow)[];

/** Pages of the export: rows in memory at a time. */
const PAGE = 200;

export interface Export {
  format: ExportFormat;
  /** Text of whole records, a page at a time, each with the number of rows in it. Ends when the search does. */
  chunks: AsyncGenerator<{ text: string; rows: number }, void>;
}

/**
 * Everything a search finds, as CSV (RFC 4180) or JSON Lines. That it was asked for is recorded before the first row is read, and how many
 * rows left when it ends, however it ends. Statements that begin later are not in it, so it comes to an end.
 *
 * @throws ServiceError INVALID for a query with a word that is not understood: an export must not be wider than what was asked
 */
export async function exportStatements(call: Call, input: unknown, now: Date): Promise<Export> {
  demand(call.actor, 'audit:own');
  const { format, q, from, to, sort } = parseInput(exportSchema, input);
  const [wrong] = parseAuditQuery(q).diagnostics;
  if (wrong !== undefined) throw new ServiceError('INVALID', `q: ${wrong.text}: ${wrong.message}`);
  const range = { from: from == null ? null : new Date(from), to: to == null ? now : new Date(to) };
  const asked = { format, q, from: range.from, to: range.to, sort };
  await call.store.transaction((tx) => recordAction(tx, call.actor, { action: 'audit.export', subject: format, after: asked }));
  return { format, chunks: read(call, asked) };
}

async function* read(
  call: Call,
  { format, ...search }: { format: ExportFormat; q: string; from: Date | null; to: Date; sort: (typeof AUDIT_SORTS)[number] },
): AsyncGenerator<{ text: string; rows: number }, void> {
  let sent = 0;
  let complete = false;
  try {
    if (format === 'csv') yield { text: csvRecord(COLUMNS), rows: 0 };
    for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
      const page: Awaited<ReturnType<typeof searchStatements>> = await searchStatements(call, {
        ...search,
        cursor,
        limit: PAGE,
        counted: false,
      });
      cursor = page.nextCursor;
      sent += page.items.length;
      yield { text: page.items.map((row) => lineOf(row, format)).join(''), rows: page.items.length };
    }
    complete = true;
  } finally {
    const after = { format, q: search.q, rows: sent, complete };
    await call.store.transaction((tx) => recordAction(tx, call.actor, { action: 'audit.exported', subject: format, after }));
  }
}

function lineOf(row: StatementRow, format: ExportFormat): string {
  switch (format) {
    case 'csv':
      return csvRecord(COLUMNS.map((column) => cellOf(row, column)));
    case 'jsonl':
      return `${JSON.stringify(row)}\n`;
    default:
      return format satisfies never;
  }
}

/** Lists in one cell. */
function cellOf(row: StatementRow, column: (typeof COLUMNS)[number]): unknown {
  if (column === 'maskedColumns') return row.maskedColumns.join(' ');
  if (column === 'reviewers') return row.reviewers.map(reviewerText).join(', ');
  return row[column];
}
