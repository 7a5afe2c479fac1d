import type { Command } from 'commander';
import type { Define } from './run';
import { table, time } from './table';

export function passkeyCommands(program: Command, define: Define): void {
  const passkeys = program.command('passkeys').description('what people prove themselves with in the console; they register them there');
  define(passkeys, 'list', 'passkeys of a principal', async ({ client, print }, _args, options) => {
    const rows = await client.passkeys.list.query({ principal: String(options.principal) });
    const lines = rows.map((row) => [
      row.id,
      row.name,
      row.backedUp ? 'synced' : 'one device',
      time(row.createdAt),
      row.lastUsedAt === null ? 'never' : time(row.lastUsedAt),
    ]);
    print(rows, table(['ID', 'NAME', 'KEPT', 'REGISTERED', 'LAST USED'], lines) || 'no passkey');
  }).requiredOption('--principal <name>', 'whose passkeys');

  define(passkeys, 'remove <id>', 'take a passkey away, and the console sessions it opened', async ({ client, print }, [id = '']) => {
    const removed = await client.passkeys.remove.mutate({ id });
    print(removed, `removed ${id} of ${removed.principal}`);
  });
}
