import type { Command } from 'commander';
import type { StatementRow } from '../audit/shape';
import { parseDuration } from '../duration';
import { auditEraseCommand } from './auditErase';
import { auditStatusCommand } from './auditStatus';
import { CliError } from './errors';
import type { Define } from './run';
import { oneLine, table, time } from './table';
import { tailStatements } from './tail';

const HEADINGS = ['TIME', 'PRINCIPAL', 'CONNECTION', 'VERDICT', 'STATUS', 'ROWS', 'MASKED', 'MS', 'STATEMENT'];

const cells = (row: StatementRow): string[] => [
  time(row.at),
  row.principalName,
  row.connectionName,
  row.verdict,
  row.sqlstate === null ? row.status : `${row.status} ${row.sqlstate}`,
  row.rows === null ? '' : String(row.rows),
  row.maskedColumns.length === 0 ? '' : String(row.maskedColumns.length),
  row.durationMs === null ? '' : row.durationMs.toFixed(1),
  row.sql,
];

export function auditCommands(program: Command, define: Define): Command {
  const audit = program.command('audit').description('the record');
  define(
    audit,
    'search [query...]',
    'search statements, e.g. who:support-bot verdict:held table:orders rows:>1000',
    async (context, words, options) => {
      const limit = Number(options.limit ?? 50);
      if (!Number.isSafeInteger(limit) || limit < 1 || limit > 200) throw new CliError('--limit is a number from 1 to 200', 2);
      const sinceMs = typeof options.since === 'string' ? parseDuration(options.since) : null;
      if (typeof options.since === 'string' && sinceMs === null) throw new CliError('--since is a duration, e.g. 24h', 2);
      const page = await context.client.audit.search.query({
        q: words.filter((word) => word !== '').join(' '),
        limit,
        ...(sinceMs === null ? {} : { from: new Date(Date.now() - sinceMs) }),
      });
      const [wrong] = page.diagnostics;
      if (wrong !== undefined) throw new CliError(`${wrong.text}: ${wrong.message}`, 2);
      const count = `${page.count.value}${page.count.capped ? '+' : ''} statements`;
      context.print(page, `${table(HEADINGS, page.items.map(cells))}${count}`);
    },
  )
    .option('--limit <count>', 'at most this many (1 to 200, default 50)')
    .option('--since <duration>', 'only the last 24h, 30m …');

  define(audit, 'tail', 'print statements as they are recorded, until interrupted', async (context) => {
    for await (const row of tailStatements(context.env))
      context.print(
        row,
        cells(row)
          .map((cell) => oneLine(cell, 200))
          .join('  '),
      );
  });
  auditEraseCommand(audit, define);
  auditStatusCommand(audit, define);
  return audit;
}
