import type { Command } from 'commander';
import type { Define } from './run';
import { table, time } from './table';

export function sessionCommands(program: Command, define: Define): void {
  const sessions = program.command('sessions').description('clients connected through the gateway');
  define(sessions, 'list', 'open sessions', async ({ client, print }, _args, options) => {
    const result = await client.sessions.list.query({ state: options.all === true ? 'all' : 'open', limit: 200 });
    const rows = result.items.map((row) => [
      row.id,
      row.principalName,
      row.connectionName,
      row.clientAddress,
      time(row.startedAt),
      row.endedAt === null ? 'open' : (row.endReason ?? 'ended'),
      String(row.statements),
      row.lastStatement?.sql ?? '',
    ]);
    print(
      result,
      table(['ID', 'PRINCIPAL', 'CONNECTION', 'CLIENT', 'SINCE', 'STATE', 'STATEMENTS', 'LAST STATEMENT'], rows) || 'no open sessions',
    );
  }).option('--all', 'ended ones too');

  define(sessions, 'kill <id>', 'end a session', async ({ client, print }, [id = ''], options) => {
    const result = await client.sessions.kill.mutate({ id, ...(typeof options.reason === 'string' ? { reason: options.reason } : {}) });
    print(result, `asked ${id} to end`);
  }).option('--reason <text>', 'why, for the record');
}
