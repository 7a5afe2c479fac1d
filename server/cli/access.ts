import type { Command } from 'commander';
import type { AccessRequestDetail, AccessRequestRow } from '../accessRequests/shape';
import { formatDuration, parseDuration } from '../duration';
import { CliError } from './errors';
import type { Define } from './run';
import { table, time, visible } from './table';

export function accessCommands(program: Command, define: Define): void {
  const access = program.command('access').description('access to a connection for a time');
  define(access, 'request', 'ask for a connection', async ({ client, print }, _args, options) => {
    const { connection, for: length, reason } = options;
    if (typeof connection !== 'string' || typeof length !== 'string' || typeof reason !== 'string')
      throw new CliError('--connection, --for and --reason are needed', 2);
    const durationMs = parseDuration(length);
    if (durationMs === null) throw new CliError('--for is a duration, e.g. 30m, 2h or 1d', 2);
    const request = await client.accessRequests.request.mutate({ connection, durationMs, reason });
    print(request, `${request.id} waits for a decision${deciders(request)}`);
  })
    .option('--connection <name>', 'the dbname clients use')
    .option('--for <duration>', 'how long, e.g. 2h')
    .option('--reason <text>', 'why; the reviewers see it');

  define(access, 'list', 'what waits for a decision and what holds now', async ({ client, print }, _args, options) => {
    const { items } = await client.accessRequests.list.query({ status: 'all', limit: 200 });
    const shown = options.all === true ? items : items.filter(({ status }) => status === 'pending' || status === 'approved');
    const rows = shown.map((row) => [
      ...[row.id, words(row), row.principalName, row.connectionName, formatDuration(row.durationMs)],
      row.status === 'approved' && row.grantedUntil !== null ? time(row.grantedUntil) : '',
      row.reason,
    ]);
    print({ items: shown }, table(['ID', 'STATUS', 'PRINCIPAL', 'CONNECTION', 'FOR', 'UNTIL', 'REASON'], rows) || 'no access requests');
  }).option('--all', 'ended ones too');

  define(access, 'show <id>', 'one access request in full', async ({ client, print }, [id = '']) => {
    const request = await client.accessRequests.get.query({ id });
    print(request, describe(request));
  });

  define(access, 'approve <id>', 'give access', async ({ client, print }, [id = ''], options) => {
    const request = await client.accessRequests.approve.mutate({
      id,
      ...(typeof options.reason === 'string' ? { reason: options.reason } : {}),
    });
    const given =
      request.grantedUntil === null ? null : `${request.principalName} has ${request.connectionName} until ${time(request.grantedUntil)}`;
    print(request, given ?? `approval ${request.approvals} of ${request.required} for ${id}`);
  }).option('--reason <text>', 'why');

  define(access, 'reject <id>', 'refuse access', async ({ client, print }, [id = ''], options) => {
    if (typeof options.reason !== 'string' || options.reason.trim() === '')
      throw new CliError('--reason is needed: whoever asked sees it', 2);
    print(await client.accessRequests.reject.mutate({ id, reason: options.reason }), `rejected ${id}`);
  }).option('--reason <text>', 'why; whoever asked sees it');

  define(access, 'revoke <id>', 'take access back, or withdraw an own request', async ({ client, print }, [id = '']) => {
    const request = await client.accessRequests.end.mutate({ id });
    print(request, `${request.status} ${id}`);
  });
}

const words = (row: AccessRequestRow): string => (row.status === 'pending' ? `pending ${row.approvals}/${row.required}` : row.status);

const deciders = (request: AccessRequestDetail): string =>
  request.mayDecide.who.length === 0 ? '' : `. Who can decide: ${request.mayDecide.who.join(', ')}`;

function describe(request: AccessRequestDetail): string {
  const lines: [string, string][] = [
    ['request', request.id],
    ['status', `${words(request)}${request.status === 'pending' ? `, expires ${time(request.expiresAt)}` : ''}`],
    ['principal', request.ownerName === null ? request.principalName : `${request.principalName} for ${request.ownerName}`],
    ['connection', request.connectionName],
    ['for', formatDuration(request.durationMs)],
    ...(request.grantedUntil === null ? [] : ([['until', time(request.grantedUntil)]] as [string, string][])),
    ['reason', visible(request.reason)],
    ...request.decisions.map((item): [string, string] => [
      item.decision,
      `${item.reviewerName}, ${time(item.at)}${item.reason === null ? '' : `: ${visible(item.reason)}`}`,
    ]),
    ['you', request.mayDecide.allowed ? 'may decide this' : `may not decide this: ${request.mayDecide.why}${deciders(request)}`],
  ];
  return lines.map(([name, value]) => `${name.padEnd(12)}${value}`).join('\n');
}
