import type { Command } from 'commander';
import { formatDuration, parseDuration } from '../duration';
import { CliError } from './errors';
import type { Define } from './run';

const DEFAULT_TTL_MS = 30 * 86_400_000;

export function tokenCommands(program: Command, define: Define): void {
  const tokens = program.command('token').description('access tokens');
  define(tokens, 'create', 'make an access token and print it, this once', async ({ client, print }, _args, options) => {
    const ttlMs = typeof options.ttl === 'string' ? parseDuration(options.ttl) : DEFAULT_TTL_MS;
    if (ttlMs === null) throw new CliError('--ttl is a duration, e.g. 30m, 1h or 7d', 2);
    const label = typeof options.label === 'string' ? options.label : 'command line';
    const token = await client.tokens.create.mutate({ principal: String(options.principal), label, ttlMs });
    print(token, token.secret);
  })
    .requiredOption('--principal <name>', 'whose token it is')
    .option('--ttl <duration>', `how long it works (default ${formatDuration(DEFAULT_TTL_MS)})`)
    .option('--label <text>', 'what it is for');
}
