/** What EXPLAIN expects of a statement: rows it would change or return, and its total cost in the planner's own units. */
export interface Estimate {
  rows: number;
  cost: number;
}

interface Plan {
  'Node Type'?: unknown;
  'Plan Rows'?: unknown;
  'Total Cost'?: unknown;
  Plans?: unknown;
}

/** Reads EXPLAIN (FORMAT JSON); null where the answer is none. A ModifyTable has no rows of its own: those below it are changed. Pure. */
export function readEstimate(answer: unknown): Estimate | null {
  const plan = planOf(answer);
  if (plan === null) return null;
  const cost = numberOf(plan['Total Cost']);
  const rows = rowsOf(plan);
  return cost === null || rows === null ? null : { rows, cost };
}

function rowsOf(plan: Plan): number | null {
  // With CTEs that write, every one of them counts.
  const written = modifying(plan).map((node) =>
    Math.max(
      0,
      ...plansOf(node)
        .filter(isNoInit)
        .map((below) => numberOf(below['Plan Rows']) ?? 0),
    ),
  );
  return written.length > 0 ? written.reduce((sum, rows) => sum + rows, 0) : numberOf(plan['Plan Rows']);
}

const modifying = (plan: Plan): Plan[] => [...(plan['Node Type'] === 'ModifyTable' ? [plan] : []), ...plansOf(plan).flatMap(modifying)];

const isNoInit = (plan: Plan & { 'Parent Relationship'?: unknown }) =>
  plan['Parent Relationship'] === 'Outer' || plan['Parent Relationship'] === 'Member' || plan['Parent Relationship'] === undefined;

const plansOf = (plan: Plan): Plan[] => (Array.isArray(plan.Plans) ? plan.Plans.filter(isPlan) : []);

/** Triggers that fired, as EXPLAIN (ANALYZE) lists them: those that enforce foreign keys by the name of their constraint. Pure. */
export function readTriggers(answer: unknown): { name: string; table: string; calls: number }[] {
  const [first] = Array.isArray(answer) ? answer : [];
  const triggers: unknown = isRecord(first) ? first.Triggers : null;
  if (!Array.isArray(triggers)) return [];
  return triggers.filter(isRecord).flatMap((trigger) => {
    const calls = numberOf(trigger.Calls);
    const name = trigger['Constraint Name'] ?? trigger['Trigger Name'];
    if (calls === null || calls === 0 || typeof name !== 'string') return [];
    return [{ name, table: typeof trigger.Relation === 'string' ? trigger.Relation : '', calls }];
  });
}

function planOf(answer: unknown): Plan | null {
  const [first] = Array.isArray(answer) ? answer : [];
  return isRecord(first) && isPlan(first.Plan) ? first.Plan : null;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isPlan = (value: unknown): value is Plan => isRecord(value);
const numberOf = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);
