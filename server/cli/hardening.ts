import type { Command } from 'commander';
import type { Verification } from '../connections/shape';
import type { Define } from './run';
import { table, visible } from './table';

/** `harden` prints SQL and nothing else on standard output, so that it can be piped; `verify` ends with 1 unless nothing crosses. */
export function hardeningCommands(connections: Command, define: Define): void {
  define(
    connections,
    'harden <name>',
    'print the SQL of an upstream role that cannot read the masked columns, with masking views; runs nothing',
    async ({ client, print, warn }, [name = ''], options) => {
      const result = await client.connections.harden.mutate({
        name,
        ...(typeof options.role === 'string' ? { role: options.role } : {}),
        ...(typeof options.schema === 'string' ? { schema: options.schema } : {}),
        ...(typeof options.like === 'string' ? { model: options.like } : {}),
        readOnly: options.readOnly === true,
        revokePublic: options.revokePublic === true,
      });
      warn(
        `gatehouse: SQL for ${visible(result.role)}, like ${visible(result.model)} without ${result.maskedColumns.length} masked columns`,
      );
      print(result, result.sql);
    },
  )
    .option('--role <role>', 'the role to make (default: gatehouse_NAME)')
    .option('--schema <schema>', 'where the masking views go (default: gatehouse_masked)')
    .option('--like <role>', 'the role whose rights are the model (default: the one the connection signs in as)')
    .option('--read-only', 'SELECT only: no INSERT, UPDATE, DELETE')
    .option('--revoke-public', 'print what takes rights from PUBLIC, and so from other roles too, as statements and not as comments');

  define(
    connections,
    'verify <name>',
    'prove that the upstream role cannot read the masked columns, and list what could still cross',
    async ({ client, print, fail }, [name = ''], options) => {
      const result = await client.connections.verify.mutate({ name, ...(typeof options.role === 'string' ? { role: options.role } : {}) });
      if (result.state !== 'database') fail();
      print(result, describeVerification(result));
    },
  ).option('--role <role>', 'prove another role than the one the connection signs in as; the answer is not kept');
}

const WORDS: Readonly<Record<Verification['state'], string>> = {
  database: 'database-enforced',
  except: 'database-enforced except',
  gateway: 'gateway-enforced',
};

export function describeVerification(result: Verification): string {
  const { state, connection, role, columns, reasons, crossings, maskingViews } = result;
  const refused = columns.filter((proof) => !proof.privilege && proof.attempt === 'refused').length;
  const head = `${connection} as ${role}: ${WORDS[state]}${state === 'except' ? ` ${crossings.length}` : ''}`;
  const rows = columns.map((proof) => [proof.column, proof.rule, proof.privilege ? 'SELECT' : 'none', proof.attempt]);
  return [
    visible(head),
    `${refused} of ${columns.length} masked columns proved unreadable, ${maskingViews.length} masking views recognised`,
    ...section(
      'why not',
      reasons.map((reason) => `  ${visible(reason)}`),
    ),
    ...section('what could cross', [
      table(
        ['KIND', 'WHAT', 'HOW'],
        crossings.map((item) => [item.kind, item.object, item.detail]),
        300,
      ).trimEnd(),
    ]),
    ...section('columns', [table(['COLUMN', 'RULE', 'PRIVILEGE', 'ATTEMPT'], rows, 200).trimEnd()]),
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  const given = lines.filter((line) => line !== '');
  return given.length === 0 ? [] : ['', `${title}:`, ...given];
}
