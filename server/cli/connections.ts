import type { Command } from 'commander';
import { hardeningCommands } from './hardening';
import type { Define } from './run';
import { table } from './table';

export function connectionCommands(program: Command, define: Define): void {
  const connections = program.command('connections').description('upstream databases');
  define(connections, 'test <name>', 'test a connection in stages', async ({ client, print, fail }, [name = '']) => {
    const result = await client.connections.test.mutate({ name });
    const rows = result.stages.flatMap((stage) => [
      [stage.name, stage.status, `${stage.durationMs} ms`, stage.hint === undefined ? stage.detail : `${stage.detail}. ${stage.hint}`],
      ...(stage.facts ?? []).map(({ label, value }) => ['', '', '', `${label}: ${value}`]),
    ]);
    if (result.stages.some((stage) => stage.status === 'failed')) fail();
    print(result, table(['STAGE', 'STATUS', 'TIME', 'WHAT'], rows, 400));
  });
  hardeningCommands(connections, define);
}
