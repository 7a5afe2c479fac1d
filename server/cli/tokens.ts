import type { Command } from 'commander';
import { formatDuration } from '../duration';
import { durationOf } from './durationOf';
import { CliError } from './errors';
import type { Define } from './run';
import { table, time } from './table';

const DEFAULT_TTL_MS = 30 * 86_400_000;

export function tokenCommands(program: Command, define: Define): void {
  const tokens = program.command('token').description('access tokens and API keys');
  define(tokens, 'create', 'make an access token and print it, this once', async ({ client, print }, _args, options) => {
    const isKey = options.apiKey === true;
    if (options.ttl === 'never' && !isKey) throw new CliError('--ttl never is for API keys', 2);
    const ttlMs = options.ttl === 'never' ? null : (durationOf(options.ttl, '--ttl') ?? DEFAULT_TTL_MS);
    const token = await client.tokens.create.mutate({
      principal: String(options.principal),
      kind: isKey ? 'api_key' : 'access',
      label: typeof options.label === 'string' ? options.label : 'command line',
      ttlMs,
      ...(typeof options.connections === 'string' ? { connections: options.connections.split(',').map((name) => name.trim()) } : {}),
    });
    print(token, token.secret);
  })
    .requiredOption('--principal <name>', 'whose token it is')
    .option('--ttl <duration>', `how long it works (default ${formatDuration(DEFAULT_TTL_MS)}; an API key may live for ever: never)`)
    .option('--api-key', 'an API key, for a service or an agent')
    .option('--connections <names>', 'the only connections it opens, e.g. shop,crm')
    .option('--label <text>', 'what it is for');

  define(tokens, 'list', 'tokens of a principal: what tells them apart, never what they are', async ({ client, print }, _args, options) => {
    const principal = (await client.principals.list.query()).find(({ id, name }) => name === options.principal || id === options.principal);
    if (principal === undefined) throw new CliError(`no principal ${String(options.principal)}`);
    const rows = await client.tokens.list.query({ principalId: principal.id });
    const lines = rows.map((row) => [
      row.id,
      row.kind === 'api_key' ? 'API key' : 'token',
      `…${row.hint}`,
      row.label,
      row.connections?.join(', ') ?? 'all',
      row.lastUsedAt === null ? 'never' : time(row.lastUsedAt),
      row.revokedAt !== null ? 'revoked' : row.expiresAt === null ? 'never' : time(row.expiresAt),
      row.replacedBy ?? '',
    ]);
    print(rows, table(['ID', 'KIND', 'ENDS WITH', 'LABEL', 'CONNECTIONS', 'LAST USED', 'EXPIRES', 'REPLACED BY'], lines) || 'no token');
  }).requiredOption('--principal <name>', 'whose tokens');

  define(tokens, 'revoke <id>', 'end a token, and the sessions it opened', async ({ client, print }, [id = '']) => {
    print(await client.tokens.revoke.mutate({ id }), `revoked ${id}`);
  });

  define(
    tokens,
    'rotate <id>',
    'make its successor and print it, this once; the old one works for a while',
    async ({ client, print, warn }, [id = ''], options) => {
      const overlapMs = durationOf(options.overlap, '--overlap');
      const made = await client.tokens.rotate.mutate({ id, ...(overlapMs === null ? {} : { overlapMs }) });
      print(made, made.secret);
      warn(`the old one works until ${time(made.oldWorksUntil)}`);
    },
  ).option('--overlap <duration>', 'how long the old one goes on working (default 1h; 0s ends it now)');
}
