import type { RefusalCause } from './types';

/** What to write in place of a construct, whatever the inference mode. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['ORDER BY', 'Order by a column that is not masked'],
  ['ORDER BY in an aggregate', 'Order by a column that is not masked'],
  ['GROUP BY', 'Group by a column that is not masked'],
  ['DISTINCT', 'Leave the masked column out of a SELECT DISTINCT'],
  ['DISTINCT ON', 'Leave the masked column out of DISTINCT ON'],
  ['UNION, which drops duplicates', 'Use UNION ALL instead of UNION'],
  ['INTERSECT', 'Leave the masked column out of what INTERSECT compares'],
  ['EXCEPT', 'Leave the masked column out of what EXCEPT compares'],
  ['a window', 'Partition and order the window by columns that are not masked'],
  ['a NATURAL join', 'Join on columns that are both masked, or on none that is'],
  ['a USING join', 'Join on columns that are both masked, or on none that is'],
]);

/** What `guarded` lets through where the construct is a condition. */
const GUARDED: ReadonlyMap<string, string> = new Map([
  ['operator =', 'Compare the column itself with constants, parameters or another masked column'],
  ['IN', 'Compare the column itself with a list of at most 100 constants'],
  ['IN (SELECT …)', 'Compare the column itself with another masked column'],
]);

const PATTERNS: ReadonlySet<string> = new Set(['LIKE', 'ILIKE', 'SIMILAR TO']);
const PLAIN_TESTS: ReadonlySet<string> = new Set(['operator =', 'IN', 'IS NULL', 'IN (SELECT …)']);

/**
 * What to do instead of what masking refuses: one or two sentences for the client's HINT, the console and `gatehouse check`. Null where
 * nothing plain can be said.
 */
export function adviceFor(cause: RefusalCause | undefined): string | null {
  switch (cause?.kind) {
    case undefined:
      return null;
    case 'compared':
      return `${instead(cause)}, or ${asking(cause)}.`;
    case 'guesses':
      return `Compare with at most ${cause.most} constants in one statement.`;
    case 'fails':
      return `Use the column without ${cause.construct.replace(/^operator /, 'the operator ')}, or ${openOn(cause.rules)}.`;
    case 'stored':
      return cause.target === null
        ? 'Leave the masked columns out of what is stored.'
        : `Leave the column out, or ask an administrator for a mask on ${cause.target} that shows no more.`;
    case 'system relation':
      return 'Those whom no masking rule of this connection covers can read it; ask an administrator.';
    case 'untraced':
      return ofUntraced(cause.why);
    default:
      cause satisfies never;
      return null;
  }
}

type Compared = Extract<RefusalCause, { kind: 'compared' }>;

function instead({ construct, inference, explained }: Compared): string {
  if (explained) return 'Run EXPLAIN without the masked column in conditions, groups and order';
  const elsewhere = ELSEWHERE.get(construct);
  if (elsewhere !== undefined) return elsewhere;
  if (inference !== 'guarded') return 'Leave the masked column out of conditions';
  const operator = construct.startsWith('operator ') ? construct.slice('operator '.length) : construct;
  if (PATTERNS.has(construct) || /^[!~]/.test(operator)) return `Compare with = instead of ${operator}`;
  if (/^function .*\(\)$/.test(construct)) return `Compare the column itself with =, without ${construct.slice('function '.length)}`;
  const guarded = GUARDED.get(construct);
  if (guarded !== undefined) return guarded;
  return /^(?:operator .*|(?:NOT )?BETWEEN)$/.test(construct)
    ? `Compare with = or IN instead of ${operator}`
    : 'Compare the column itself with = or IN';
}

function asking({ construct, inference, explained, rules }: Compared): string {
  const guarded = inference === 'closed' && !explained && PLAIN_TESTS.has(construct);
  return guarded ? `ask an administrator for inference: guarded on ${masking(rules)}` : openOn(rules);
}

const openOn = (rules: readonly string[]): string => `ask an administrator for inference: open on ${masking(rules)}`;
const masking = (rules: readonly string[]): string =>
  `masking rule${rules.length > 1 ? 's' : ''} ${rules.map((rule) => `"${rule}"`).join(', ')}`;

function ofUntraced(why: string): string | null {
  if (why.includes('qualify it')) return null;
  if (/^column .* is ambiguous$/.test(why)) return 'Put the name of its table in front of the column.';
  if (/^the columns of /.test(why)) return 'List the columns instead of writing *.';
  if (/NATURAL join/.test(why)) return 'Use JOIN … ON instead of a NATURAL join.';
  if (/calls itself$/.test(why)) return 'Write the query out instead of calling the function.';
  if (/ has no rule$| is not followed$/.test(why)) return 'Select the columns themselves; each of them then leaves through its mask.';
  return null;
}
