import type { ConnectionLimits } from '../../db/schema/shapes';
import type { StatementFacts } from '../sql/types';

type Facts = Pick<StatementFacts, 'commands' | 'effects' | 'text'>;

const ROWS: ReadonlySet<string> = new Set([
  ...['SELECT', 'SELECT FOR UPDATE', 'VALUES', 'TABLE', 'FETCH', 'SHOW', 'EXPLAIN', 'EXECUTE', 'CALL', 'COPY TO'],
]);

/** Whether results of the connection have an end that PostgreSQL does not know of. */
export function canBeCut(limits: ConnectionLimits | undefined): boolean {
  return limits?.maxRows !== undefined || limits?.maxBytes !== undefined;
}

/** Whether a statement may return rows. Errs towards yes. */
export function returnsRows({ commands, text }: Facts): boolean {
  return commands.some((word) => ROWS.has(word)) || /\breturning\b/i.test(text);
}

const CHANGES = ['insert', 'update', 'delete', 'merge', 'truncate', 'create', 'alter', 'drop', 'opaque'] as const;

/** Whether cutting its result asks what becomes of the changes it made: they are rolled back with it. */
export function mayChangeAndReturn(facts: Facts): boolean {
  return CHANGES.some((effect) => facts.effects.has(effect)) && returnsRows(facts);
}
