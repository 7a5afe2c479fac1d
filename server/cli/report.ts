import type { Command } from 'commander';
import type { DailyReport, PrincipalDay } from '../reports/shape';
import type { Define } from './run';
import { table, time } from './table';

const HEADINGS = [
  'PRINCIPAL',
  'STATEMENTS',
  'ROWS',
  'MASKED',
  'HELD',
  'APPROVED',
  'REJECTED',
  'WAIT',
  'DENIED',
  'ERRORS',
  'CONNECTIONS',
  'TABLES',
];

const wait = (ms: number | null): string => (ms === null ? '' : ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);

const cells = (row: PrincipalDay): string[] => [
  row.ownerName === null ? row.principalName : `${row.principalName} for ${row.ownerName}`,
  String(row.statements),
  String(row.rows),
  row.maskedValues === 0 ? '' : `${row.maskedValues} in ${row.maskedColumns.length}`,
  String(row.holds.total),
  String(row.holds.approved),
  String(row.holds.rejected),
  wait(row.holds.medianWaitMs),
  String(row.denied),
  String(row.errors),
  row.connections.join(' '),
  row.tables.join(' '),
];

const unusualLine = (one: DailyReport['unusual'][number]): string =>
  `  ${one.principalName}: ${one.text}\n    audit search '${one.look.q}' (${time(one.look.from)} to ${time(one.look.to)})\n`;

export function reportCommand(program: Command, define: Define): void {
  define(
    program,
    'report',
    'what happened on a day, by principal, and what of it is unusual',
    async ({ client, print }, _args, options) => {
      const report = await client.reports.daily.query({
        timeZone: typeof options.timeZone === 'string' ? options.timeZone : new Intl.DateTimeFormat().resolvedOptions().timeZone,
        ...(typeof options.day === 'string' ? { day: options.day } : {}),
      });
      print(report, text(report));
    },
  )
    .option('--day <date>', 'YYYY-MM-DD (default: today)')
    .option('--time-zone <name>', 'whose midnight and hours, e.g. Europe/Berlin (default: this machine’s)');
}

function text(report: DailyReport): string {
  const { totals } = report;
  const head = `${report.day} (${report.timeZone})${report.soFar ? ', so far' : ''}: ${totals.statements} statements, ${totals.rows} rows, ${totals.maskedValues} masked values, ${totals.holds.total} held, ${totals.denied} denied, ${totals.errors} errors\n`;
  const unusual = report.unusual.length === 0 ? 'nothing unusual\n' : `unusual:\n${report.unusual.map(unusualLine).join('')}`;
  return `${head}${unusual}${table(HEADINGS, report.principals.map(cells))}`;
}
