import type { Command } from 'commander';
import { CliError } from './errors';
import type { Define } from './run';

/** `audit erase` and `audit status`. */
export function auditEraseCommands(audit: Command, define: Define): void {
  define(audit, 'erase', 'erase what a principal sent, or one statement; every proof stays valid', async (context, _args, options) => {
    const text = (name: string) => (typeof options[name] === 'string' ? options[name] : undefined);
    const [principal, statement, since, until, reason] = ['principal', 'statement', 'since', 'until', 'reason'].map(text);
    if ((principal === undefined) === (statement === undefined)) throw new CliError('give --principal NAME or --statement ID', 2);
    if (reason === undefined) throw new CliError('give --reason: it is recorded', 2);
    const erased = await context.client.audit.erase.mutate({
      reason,
      ...(principal === undefined ? {} : { principal }),
      ...(statement === undefined ? {} : { statement }),
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
    });
    const what = statement ?? `${principal}: ${erased.keys} ${erased.keys === 1 ? 'day' : 'days'}`;
    context.print(erased, `erased ${what} (${erased.id}); the files of every gateway follow within seconds, and proofs stay valid`);
  })
    .option('--principal <name>', 'whose values')
    .option('--since <day>', 'from this day on, in UTC, e.g. 2026-11-26')
    .option('--until <day>', 'up to and with this day')
    .option('--statement <id>', 'of this statement alone')
    .option('--reason <text>', 'why; it is recorded');

  define(audit, 'status', 'how the record of each gateway stands', async (context) => {
    const status = await context.client.audit.status.query();
    const lines = status.nodes.map(({ node, size, checkpoint, lag, broken, trouble, witnesses, sinks }) =>
      [
        `${node}: ${size} entries`,
        checkpoint === null ? 'not signed yet' : `signed up to ${checkpoint.size} at ${checkpoint.at.toISOString()}`,
        `${lag.journalBytes} bytes and ${lag.entries} entries behind`,
        ...witnesses.map(({ name, ok, size: taken, error }) => `${name}: ${ok ? `has ${taken ?? 0}` : error}`),
        ...sinks.map(({ name, waiting, lost, error }) => `${name}: ${error ?? `${waiting} waiting`}${lost === 0 ? '' : `, ${lost} lost`}`),
        ...(broken === null ? [] : [`BROKEN: ${broken.what}`]),
        ...(trouble === null ? [] : [trouble]),
      ].join('; '),
    );
    context.print(status, lines.join('\n'));
    if (status.nodes.some(({ broken }) => broken !== null)) context.fail();
  });
}
