import type { Command } from 'commander';
import type { CheckedMasking, CheckedStatement, CheckResult } from '../check/shape';
import type { Define } from './run';
import { oneLine, table, visible } from './table';

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
    lines.push(...masking(statement.masking));
    if (statement.rewritten !== undefined) lines.push(`  sent as  ${visible(statement.rewritten)}`);
    for (const trial of statement.verdict.tried)
      lines.push(`  ${trial.matched ? '*' : '-'} rule ${trial.rule} (${trial.action}, ${trial.mode}): ${trial.why}`);
  }
  return lines.join('\n');
}

/** Characters of one cell or line: a path through several views is long and must be read whole. */
const WIDEST = 400;

function masking(masked: CheckedStatement['masking']): string[] {
  const lines = [`  masking  ${stateOf(masked)}`];
  if (masked.reason !== undefined) lines.push(`  refused  ${oneLine(masked.reason, WIDEST)}`);
  if (masked.advice !== undefined) lines.push(`  instead  ${oneLine(masked.advice, WIDEST)}`);
  lines.push(...outputs('output', masked));
  const { observed } = masked;
  if (observed === null) return lines;
  lines.push(`  observed with the rules that only observe: ${stateOf(observed)}`);
  if (observed.reason !== undefined) lines.push(`  would be refused: ${oneLine(observed.reason, WIDEST)}`);
  return [...lines, ...outputs('would be', observed)];
}

const stateOf = ({ state, columns }: CheckedMasking): string =>
  columns.length === 0 ? state : `${state}: ${oneLine(columns.join(', '), WIDEST)}`;

/** One row an output column: what it leaves as, and the way to the masked column behind it. */
function outputs(title: string, { outputs: columns }: CheckedMasking): string[] {
  if (columns === null || columns.length === 0) return [];
  const rows = columns.map((column, index) => [String(index + 1), column.name, column.leaves, column.because]);
  return [
    `  ${title}`,
    ...table(['#', 'column', 'leaves as', 'because'], rows, WIDEST)
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`),
  ];
}
