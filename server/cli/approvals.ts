import type { Command } from 'commander';
import type { RequestDetail } from '../approvals/shape';
import { CliError } from './errors';
import { impactText, measuredText } from './impact';
import type { Define } from './run';
import { table, time, visible } from './table';

export function approvalCommands(program: Command, define: Define): void {
  const approvals = program.command('approvals').description('held statements');
  define(approvals, 'list', 'statements that wait for a decision', async ({ client, print }, _args, options) => {
    const result = await client.approvals.list.query({ status: options.all === true ? 'all' : 'open', limit: 200 });
    const rows = result.items.map((row) => [
      row.id,
      row.status,
      `${row.approvals}/${row.required}`,
      row.principalName,
      row.connectionName,
      time(row.expiresAt),
      row.sql,
    ]);
    print(
      result,
      table(['ID', 'STATUS', 'APPROVALS', 'PRINCIPAL', 'CONNECTION', 'EXPIRES', 'STATEMENT'], rows) || 'nothing waits for approval',
    );
  }).option('--all', 'decided ones too');

  define(approvals, 'show <id>', 'one request in full', async ({ client, print }, [id = '']) => {
    const request = await client.approvals.get.query({ id });
    const impact = await client.approvals.preview.query({ id }).catch((error: Error) => error.message);
    const parts = [
      describe(request),
      impactText(impact),
      request.measured === null ? '' : measuredText(request.measured, request.mostRows),
    ];
    print({ ...request, impact: typeof impact === 'string' ? null : impact }, parts.filter((part) => part !== '').join('\n\n'));
  });

  define(
    approvals,
    'measure <id>',
    'run the statement for a trial, roll it back, and say what it would change',
    async ({ client, print }, [id = '']) => {
      const { measured, mostRows } = await client.approvals.measure.mutate({ id });
      print(measured, measured === null ? 'not measured' : measuredText(measured, mostRows));
    },
  );

  define(approvals, 'approve <id>', 'let the statement run', async ({ client, print }, [id = ''], options) => {
    const request = await client.approvals.approve.mutate({
      id,
      ...(typeof options.reason === 'string' ? { reason: options.reason } : {}),
      ...scopeOf(options),
    });
    const granted = request.grantId === null ? '' : `; grant ${request.grantId} covers ${COVERS[request.grantable]}`;
    print(
      request,
      request.status === 'approved' ? `approved ${id}${granted}` : `approval ${request.approvals} of ${request.required} for ${id}`,
    );
  })
    .option('--reason <text>', 'why')
    .option('--session', 'this statement shape for the rest of its session')
    .option('--for <minutes>', 'this statement shape for that many minutes');

  define(approvals, 'grants', 'statement shapes that run without asking again', async ({ client, print }, _args, options) => {
    const result = await client.approvals.grants.query({ status: options.all === true ? 'all' : 'active', limit: 200 });
    const rows = result.items.map((row) => [
      row.id,
      row.state,
      row.principalName,
      row.connectionName,
      row.rule,
      row.expiresAt === null ? `session ${row.sessionId ?? ''}` : time(row.expiresAt),
      String(row.uses),
      row.sql,
    ]);
    print(
      result,
      table(['ID', 'STATE', 'PRINCIPAL', 'CONNECTION', 'RULE', 'UNTIL', 'USES', 'STATEMENT'], rows) || 'no grant covers anything now',
    );
  }).option('--all', 'revoked and past ones too');

  define(approvals, 'revoke <grant>', 'take a grant back at once', async ({ client, print }, [id = '']) => {
    const result = await client.approvals.revokeGrant.mutate({ id });
    print(result, `revoked ${id}`);
  });

  define(approvals, 'reject <id>', 'refuse the statement', async ({ client, print }, [id = ''], options) => {
    if (typeof options.reason !== 'string' || options.reason.trim() === '') throw new CliError('--reason is needed: the client sees it', 2);
    const request = await client.approvals.reject.mutate({ id, reason: options.reason });
    print(request, `rejected ${id}`);
  }).option('--reason <text>', 'why; the client sees it');
}

const COVERS = { shape: 'the shape', text: 'this very text', no: 'nothing' } as const;

function scopeOf(options: Record<string, unknown>) {
  if (options.session === true && options.for !== undefined) throw new CliError('--session and --for exclude each other', 2);
  if (options.session === true) return { scope: { kind: 'session' as const } };
  if (options.for === undefined) return {};
  const minutes = Number(options.for);
  if (!Number.isInteger(minutes) || minutes < 1) throw new CliError('--for takes whole minutes, at least 1', 2);
  return { scope: { kind: 'minutes' as const, minutes } };
}

function describe(request: RequestDetail): string {
  const lines: [string, string][] = [
    ['request', request.id],
    ['status', `${request.status}, ${request.approvals} of ${request.required} approvals, expires ${time(request.expiresAt)}`],
    ['principal', request.ownerName === null ? request.principalName : `${request.principalName} for ${request.ownerName}`],
    ['connection', request.connectionName],
    ['held by', `${request.rule}: ${request.why}`],
    ...(request.passkey === null ? [] : ([['approval', 'with a passkey, in the console']] as [string, string][])),
    ['touches', request.relations.map((relation) => `${relation.name} (${relation.access})`).join(', ') || 'nothing that is known'],
    ['transaction', { I: 'none', T: 'inside one', E: 'inside a failed one' }[request.transactionStatus]],
    ...(request.unbounded ? ([['warning', 'nothing bounds the rows it changes']] as [string, string][]) : []),
    ...(request.requesterReason === null ? [] : ([['reason', visible(request.requesterReason)]] as [string, string][])),
    ...request.parameters.map((parameter, index): [string, string] => [
      `$${index + 1}`,
      parameter.value === null ? 'NULL' : visible(parameter.value),
    ]),
    ...request.decisions.map((item): [string, string] => [
      item.decision,
      `${item.reviewerName}, ${time(item.at)}${item.passkey == null ? '' : ` with passkey ${visible(item.passkey.name)}`}${item.reason === null ? '' : `: ${visible(item.reason)}`}`,
    ]),
    [
      'you',
      request.mayDecide.allowed
        ? 'may decide this'
        : `may not decide this: ${request.mayDecide.why}${request.mayDecide.who.length === 0 ? '' : `. Who can: ${request.mayDecide.who.join(', ')}`}`,
    ],
  ];
  return `${lines.map(([name, value]) => `${name.padEnd(12)}${value}`).join('\n')}\n\n${visible(request.sql)}`;
}
