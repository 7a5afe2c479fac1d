import type { Command } from 'commander';
import type { Define } from './run';
import { table, time } from './table';

export function identityCommands(program: Command, define: Define): void {
  const identity = program.command('identity').description('who says who people and workloads are');
  define(identity, 'providers', 'identity providers of the policy', async ({ client, print }) => {
    const rows = await client.identities.providers.query();
    const lines = rows.map((row) => [
      row.name,
      row.type,
      row.issuer ?? '',
      row.opens.join(', '),
      String(row.subjects),
      row.lastSeenAt === null ? 'never' : time(row.lastSeenAt),
    ]);
    print(rows, table(['NAME', 'TYPE', 'ISSUER', 'OPENS', 'SUBJECTS', 'LAST SEEN'], lines) || 'the policy names no identity provider');
  });

  define(identity, 'list', 'whom each subject of a provider is', async ({ client, print }) => {
    const rows = await client.identities.list.query();
    const lines = rows.map((row) => [
      row.id,
      row.provider,
      row.subject,
      row.principal,
      row.lastSeenAt === null ? 'never' : time(row.lastSeenAt),
    ]);
    print(rows, table(['ID', 'PROVIDER', 'SUBJECT', 'PRINCIPAL', 'LAST SEEN'], lines) || 'nobody has signed in by a provider yet');
  });

  define(
    identity,
    'unlink <id>',
    'part a subject from its principal; its next sign-in links anew',
    async ({ client, print }, [id = '']) => {
      print(await client.identities.unlink.mutate({ id }), `unlinked ${id}`);
    },
  );
}
