import type { Command } from 'commander';
import type { Reach } from '../connections/shape';
import { parseDuration } from '../duration';
import { type Environment, gatewayUrl, readToken } from './client';
import { CliError } from './errors';
import { keptLogin } from './keptLogins';
import type { Context, Define } from './run';

const TTL_MS = 3_600_000;
const LOOPBACK = /^(127\.|::1$|localhost$)/;

/** `psql` and `exec`: any client, connected through the gateway, without a password on a command line. */
export function connectCommands(program: Command, define: Define): void {
  const options = (command: Command) =>
    command
      .option('--as <principal>', 'connect as this one, by a token made for the time (administrators)')
      .option('--ttl <duration>', 'how long that token works (default 1h); it is revoked when the command ends')
      // What stands behind the command is the command's own.
      .passThroughOptions();

  options(
    define(program, 'psql <connection> [arguments...]', 'psql, connected through the gateway', (context, [connection, ...rest], given) =>
      runConnected(context, { connection, command: ['psql', ...rest] }, given),
    ),
  );
  options(
    define(
      program,
      'exec <command...>',
      'run a command with PGHOST, PGUSER and so on set: gatehouse exec -- npm test',
      (context, command, given) => runConnected(context, { connection: text(given.connection), command }, given),
    ),
  ).option('--connection <name>', 'the connection (default: the only one you may use)');
}

async function runConnected(
  context: Context,
  { connection, command: [program = '', ...rest] }: { connection: string | undefined; command: readonly string[] },
  options: Readonly<Record<string, string | boolean | undefined>>,
): Promise<void> {
  const { client, env } = context;
  const as = text(options.as);
  const ttlMs = parseDuration(text(options.ttl) ?? '') ?? TTL_MS;
  if (options.ttl !== undefined && (as === undefined || parseDuration(text(options.ttl) ?? '') === null))
    throw new CliError('--ttl is a duration, e.g. 30m, and goes with --as', 2);
  const reach =
    (as === undefined ? reachOfLogin(env, connection) : null) ??
    (await client.connections.reach.query(connection === undefined ? {} : { connection }));
  if (as === undefined) {
    context.end(await context.run(program, rest, variablesOf(reach, readToken(env), env)));
    return;
  }
  const token = await client.tokens.create.mutate({ principal: as, label: `gatehouse: ${program}`.slice(0, 100), ttlMs });
  try {
    context.end(await context.run(program, rest, variablesOf({ ...reach, user: as }, token.secret, env)));
  } finally {
    await client.tokens.revoke.mutate({ id: token.id });
  }
}

/** A sign-in for some connections opens no API, and knows by itself where the proxy is. Null: ask the gateway. */
function reachOfLogin(env: Environment, connection: string | undefined): Reach | null {
  if (env.GATEHOUSE_TOKEN !== undefined && env.GATEHOUSE_TOKEN !== '') return null;
  const login = keptLogin(env, gatewayUrl(env));
  if (login === null || login.connections === null) return null;
  const [only, ...others] = login.connections;
  const database = connection ?? (others.length === 0 ? only : undefined);
  if (database === undefined || !login.connections.includes(database))
    throw new CliError(`you are signed in for ${login.connections.join(', ')}: name one of them, or run gatehouse login again`);
  return { ...login.proxy, database, user: login.principal };
}

/** What libpq and most drivers read (PostgreSQL manual, 34.15 Environment Variables). Pure. */
export function variablesOf(reach: Reach, token: string, given: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const { host, port, database, user } = reach;
  const address = host.includes(':') ? `[${host}]` : host;
  const sslmode = LOOPBACK.test(host) ? {} : { PGSSLMODE: given.PGSSLMODE ?? 'require' };
  return {
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: database,
    PGUSER: user,
    PGPASSWORD: token,
    DATABASE_URL: `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(token)}@${address}:${port}/${database}`,
    ...sslmode,
  };
}

const text = (value: string | boolean | undefined): string | undefined => (typeof value === 'string' ? value : undefined);
