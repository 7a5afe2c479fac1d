import type { Command } from 'commander';
import type { CheckResult } from '../check/shape';
import type { Define } from './run';
import { visible } from './table';

export function checkCommand(program: Command, define: Define): void {
  define(
    program,
    'check <sql>',
    'say what the gateway would do with a statement, without running it',
    async ({ client, print }, [sql = ''], options) => {
      const result = await client.check.run.mutate({ connection: String(options.connection), principal: String(options.as), sql });
      print(result, describe(result));
    },
  )
    .requiredOption('--connection <name>', 'on which connection')
    .requiredOption('--as <principal>', 'as which principal');
}

function describe({ verdict, statements, error }: CheckResult): string {
  const lines = [`${verdict.action}: ${verdict.why}`];
  if (error !== undefined) lines.push(`error: ${error.message}${error.position === null ? '' : ` at character ${error.position}`}`);
  for (const statement of statements) {
    lines.push('', `${statement.kind}: ${visible(statement.text)}`);
    lines.push(
      `  verdict  ${statement.verdict.action} (${statement.verdict.rule ?? statement.verdict.decidedBy}): ${statement.verdict.why}`,
    );
    lines.push(`  effects  ${statement.effects.join(', ') || 'none'}`);
    lines.push(`  touches  ${statement.relations.map((relation) => `${relation.name} (${relation.access})`).join(', ') || 'no relation'}`);
    lines.push(
      `  masking  ${statement.masking.state}${statement.masking.columns.length === 0 ? '' : `: ${statement.masking.columns.join(', ')}`}${statement.masking.reason === undefined ? '' : ` (${statement.masking.reason})`}`,
    );
    if (statement.rewritten !== undefined) lines.push(`  sent as  ${visible(statement.rewritten)}`);
    for (const trial of statement.verdict.tried)
      lines.push(`  ${trial.matched ? '*' : '-'} rule ${trial.rule} (${trial.action}, ${trial.mode}): ${trial.why}`);
  }
  return lines.join('\n');
}
