import { isDeepStrictEqual } from 'node:util';
import type { MaskIndex } from './columns';
import { maskWordsFor } from './maskWords';
import type { Types } from './transforms/family';
import type { ColumnMask, ExpectedOutput, MaskOrigin, OutputMask, Touch } from './types';

/** One column on the way from an output to the base column a rule names. */
export interface PathStep {
  /** `schema.table.column`; of a trigger its table. */
  column: string;
  /** How the column before takes from this one; null for the first. */
  by: MaskOrigin['kind'] | null;
}

/** One output column of a statement, as a person is told of it. */
export interface ExplainedOutput {
  name: string;
  /** Masked as a copy of a masked column, or redacted because it is computed from one. */
  state: 'plain' | 'copied' | 'computed';
  /** `as it is`, `partial, last 4` */
  leaves: string;
  /** From the nearest column to the one a rule names; one for each masked column behind it. */
  paths: PathStep[][];
  rules: string[];
  /** What would show more of it; null where nothing plain can be said. */
  instead: string | null;
  /** The paths, the rule and what would show more, in one line. */
  because: string;
}

/** What each output column of a statement leaves as, and why. Null where the columns of its result are not known: a plan, a clean statement. */
export function explainOutputs(touch: Touch, masks: Pick<MaskIndex, 'all'>, types: Types): ExplainedOutput[] | null {
  if (touch.state !== 'resolved' || touch.outputs === null) return null;
  const byName = new Map(masks.all.map((mask) => [mask.column, mask]));
  return touch.outputs.map((output) => explained(output, byName, types));
}

type ByName = ReadonlyMap<string, ColumnMask>;

function explained({ name, typeOid, mask }: ExpectedOutput, byName: ByName, types: Types): ExplainedOutput {
  if (mask === null) return { name, state: 'plain', leaves: 'as it is', paths: [], rules: [], instead: null, because: '–' };
  const paths = pathsOf(mask, byName);
  return {
    name,
    state: mask.computed ? 'computed' : 'copied',
    leaves: maskWordsFor(mask.spec, typeOid, types),
    paths,
    rules: [...mask.rules],
    instead: mask.wholeRow === true ? WHOLE_ROW : null,
    because: becauseOf(paths, mask, byName),
  };
}

const WHOLE_ROW = 'list the columns instead of the whole row';

/** Each path once, those left out that only start another. */
function pathsOf({ paths }: OutputMask, byName: ByName): PathStep[][] {
  const whole = paths.map((path) => {
    const steps = path.map((column, index): PathStep => ({ column, by: index === 0 ? null : 'view' }));
    return [...steps, ...originsOf(path, byName)];
  });
  const keyOf = (path: readonly PathStep[]) => `${path.map((step) => step.column).join('\0')}\0`;
  const unique = [...new Map(whole.map((path) => [keyOf(path), path])).values()];
  return unique.filter((path) => !unique.some((other) => other !== path && keyOf(other).startsWith(keyOf(path))));
}

/** From the last column on, how the database carries the masked value into it. */
function originsOf(path: readonly string[], byName: ByName): PathStep[] {
  const met = new Set(path);
  const steps: PathStep[] = [];
  for (let at = byName.get(path.at(-1) ?? ''); at?.origin !== undefined; at = byName.get(at.origin.from)) {
    if (met.has(at.origin.from)) break;
    met.add(at.origin.from);
    steps.push({ column: at.origin.from, by: at.origin.kind });
  }
  return steps;
}

function becauseOf(paths: readonly (readonly PathStep[])[], { columns, computed, wholeRow, rules }: OutputMask, byName: ByName): string {
  const words = paths.map((path) =>
    path.map(({ column, by }) => (by === null || by === 'view' ? column : `${column} (${by})`)).join(' → '),
  );
  const behind = `${words.join(' and ')}, rule${rules.length > 1 ? 's' : ''} ${rules.join(', ')}`;
  if (computed) return `computed from ${behind}${wholeRow === true ? `; ${WHOLE_ROW}` : ''}`;
  const [first, ...others] = columns.map((column) => byName.get(column)?.mask);
  const differ = others.some((other) => !isDeepStrictEqual(other, first));
  return `${behind} (copied${differ ? ', and their masks differ' : ''})`;
}

/** Why a column is masked, to follow its name: `view of public.customers.email`. */
export function originWords(origin: MaskOrigin | undefined): string {
  if (origin === undefined) return 'named by the rule';
  switch (origin.kind) {
    case 'generated':
      return `generated from ${origin.from}`;
    case 'view':
      return `view of ${origin.from}`;
    case 'child':
      return `child of ${origin.from}`;
    case 'parent':
      return `parent of ${origin.from}`;
    case 'foreign key':
      return `foreign key to ${origin.from}`;
    case 'trigger':
      return `written by trigger of ${origin.from}`;
    case 'foreign table':
      return 'foreign table that may read this database';
    default:
      origin.kind satisfies never;
      return '';
  }
}
