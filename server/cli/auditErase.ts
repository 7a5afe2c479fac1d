import type { Command } from 'commander';
import { CliError } from './errors';
import type { Define } from './run';

/** `audit erase`. */
export function auditEraseCommand(audit: Command, define: Define): void {
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
}
