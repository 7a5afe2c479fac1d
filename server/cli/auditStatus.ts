import type { Command } from 'commander';
import type { Define } from './run';

/** `audit status`. */
export function auditStatusCommand(audit: Command, define: Define): void {
  define(audit, 'status', 'how the record of each gateway stands', async (context) => {
    const status = await context.client.audit.status.query();
    const lines = status.nodes.map(({ node, size, checkpoint, lag, broken, trouble, witnesses, sinks }) =>
      [
        `${node}: ${size} entries`,
        checkpoint === null ? 'not signed yet' : `signed up to ${checkpoint.size} at ${checkpoint.at.toISOString()}`,
        `${lag.journalBytes} bytes and ${lag.entries} entries behind`,
        ...witnesses.map(({ name, ok, size: taken, error }) => `${name}: ${ok ? `has ${taken ?? 0}` : error}`),
        ...sinks.map(({ name, waiting, lost, error }) => `${name}: ${error ?? `${waiting} waiting`}${lost === 0 ? '' : `, ${lost} lost`}`),
        ...(broken === null ? [] : [`BROKEN: ${broken.what}`]),
        ...(trouble === null ? [] : [trouble]),
      ].join('; '),
    );
    context.print(status, lines.join('\n'));
    if (status.nodes.some(({ broken }) => broken !== null)) context.fail();
  });
}
