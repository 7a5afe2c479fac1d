import type { StatementFacts } from '../sql/types';
import { confirmedFor, DEFAULT_APPROVAL } from './approval';
import type { AffectedLimit, Rule } from './types';

/** none: it changes no rows. counted: while it runs, and before it stands. uncountable: it may, and PostgreSQL keeps no count that could be asked in time. */
export type Countability = 'none' | 'counted' | 'uncountable';

const CHANGES = ['insert', 'update', 'delete', 'merge', 'opaque'] as const;
/** They take rows away with the files they are in: nothing counts them. */
const WHOLESALE = ['DROP TABLE', 'DROP SCHEMA', 'DROP OWNED', 'DROP DATABASE', 'DROP MATERIALIZED VIEW'];

/** Whether the rows that a statement changes can be counted inside its own transaction, before anybody has its result. Pure. */
export function countability({ commands, effects, session }: Pick<StatementFacts, 'commands' | 'effects' | 'session'>): Countability {
  if (effects.has('truncate') || commands.some((word) => WHOLESALE.includes(word))) return 'uncountable';
  if (!CHANGES.some((effect) => effects.has(effect))) return 'none';
  // USING makes every value anew, and no row counts as updated.
  if (commands.includes('ALTER COLUMN TYPE')) return 'uncountable';
  // COPY reads from the client while it runs. A cursor runs a little at every FETCH.
  if (commands.includes('COPY FROM') || session?.type === 'declare') return 'uncountable';
  return 'counted';
}

/**
 * The limits that rules which match put on the run, the strictest first: below all of them the statement stands as if the rules did not
 * match. Empty where it cannot be counted: there the rules apply as they stand. Pure.
 */
export function affectedLimitsOf(rules: readonly Rule[], facts: StatementFacts): AffectedLimit[] {
  if (countability(facts) !== 'counted') return [];
  return rules
    .flatMap(({ name, action, message, match, approval }): AffectedLimit[] =>
      match.maxAffectedRows === undefined
        ? []
        : [
            {
              max: match.maxAffectedRows,
              action: action === 'hold' ? 'hold' : 'deny',
              rule: name,
              message,
              ...(action === 'hold' && approval !== null ? { approval } : {}),
            },
          ],
    )
    .sort((a, b) => Number(b.action === 'deny') - Number(a.action === 'deny') || a.max - b.max);
}

/**
 * What changed too much: the strictest limit that the count is above, with a passkey where any of those asks for one; null when it is within
 * all of them. Pure.
 */
export function exceededLimit(limits: readonly AffectedLimit[], rows: number): AffectedLimit | null {
  const [first, ...others] = limits.filter(({ max }) => rows > max);
  if (first?.action !== 'hold') return first ?? null;
  const asked = others.map(({ approval }) => approval);
  return { ...first, approval: confirmedFor(first.approval ?? DEFAULT_APPROVAL, asked) };
}
