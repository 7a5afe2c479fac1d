import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { referencedNames } from '../policy/environment';
import type { ApplyResult } from '../policy/shape';
import { CliError } from './errors';
import type { Context, Define } from './run';

export function policyCommands(program: Command, define: Define): void {
  define(
    program,
    'apply <file>',
    'make the gateway hold exactly what a policy document says (- reads standard input)',
    async (context, [file = ''], options) => {
      const dryRun = options.dryRun === true;
      const result = await send(context, file, dryRun);
      const done = result.changes.some((change) => change.change !== 'none')
        ? dryRun
          ? 'nothing was changed (dry run)'
          : `applied as version ${result.version}`
        : 'no change';
      show(context, result, `${planText(result)}${done}`);
    },
  ).option('--dry-run', 'say what would change, and change nothing');

  define(program, 'diff <file>', 'show what applying a policy document would change', async (context, [file = '']) => {
    const result = await send(context, file, true);
    show(context, result, planText(result) || 'no change');
  });

  define(program, 'export', 'print the whole policy as a document, without secrets', async ({ client, print }) => {
    const result = await client.policy.export.query();
    print(result, result.yaml);
  });
}

async function send({ client, env }: Context, file: string, dryRun: boolean): Promise<ApplyResult> {
  if (file !== '-' && !existsSync(file)) throw new CliError(`${file} does not exist`, 2);
  const yaml = readFileSync(file === '-' ? 0 : file, 'utf8');
  // Only what the document names leaves this machine.
  const named = referencedNames(yaml).flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return client.policy.applyYaml.mutate({ yaml, dryRun, env: Object.fromEntries(named) });
}

function show({ print, warn, json }: Context, result: ApplyResult, text: string): void {
  if (!json) for (const warning of result.warnings) warn(`warning: ${warning}`);
  print(result, text);
}

const SIGNS = { create: '+', update: '~', delete: '-', disable: '-', none: ' ' } as const;

const planText = (result: ApplyResult): string =>
  result.changes
    .filter((change) => change.change !== 'none')
    .map(
      (change) =>
        `${SIGNS[change.change]} ${change.kind} ${change.name}${change.fields.length === 0 ? '' : ` (${change.fields.join(', ')})`}${change.change === 'disable' ? ' (disabled)' : ''}\n`,
    )
    .join('');
